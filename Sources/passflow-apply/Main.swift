import ApplyStage
import Glibc
import Stage

@main
struct Main {
  static func main() {
    ProcessMemory.tune()
    let configuration = ApplyConfiguration.loadOrExit(version: Version.text)
    exit(runApplyService(configuration).rawValue)
  }
}
