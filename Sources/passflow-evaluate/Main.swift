import EvaluateStage
import Glibc
import Stage

@main
struct Main {
  static func main() {
    ProcessMemory.tune()
    let configuration = EvaluateConfiguration.loadOrExit(version: Version.text)
    exit(runEvaluateService(configuration).rawValue)
  }
}
