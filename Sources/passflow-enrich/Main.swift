import EnrichStage
import Glibc
import Stage

@main
struct Main {
  static func main() {
    ProcessMemory.tune()
    let configuration = EnrichConfiguration.loadOrExit(version: Version.text)
    exit(runEnrichService(configuration).rawValue)
  }
}
