import IngestStage

@main
struct Main {
  static func main() { IngestExecutable.main() }
}
