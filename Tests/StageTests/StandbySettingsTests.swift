import Testing
import YAML

@testable import Stage

@Suite struct StandbySettingsTests {
  private func problem(_ schema: ConfigurationSchema, _ yaml: String) throws -> ConfigurationProblem? {
    let root = try YAMLDocument.parse(yaml, file: "stage.yaml").root
    return schema.load(file: root, environment: [:]).problems.first
  }

  @Test func standbyIsZeroOrOneOfTheStagesThatHaveOne() throws {
    let defaults = EnrichConfiguration.schema.load(file: nil, environment: [:]).0
    #expect(EnrichConfiguration(defaults).state.standbys == 0)
    let variables = ["PASSFLOW_STATE_STANDBY": "1"]
    let (values, found) = ApplyConfiguration.schema.load(file: nil, environment: variables)
    #expect(found.isEmpty)
    #expect(ApplyConfiguration(values).state.standbys == 1)
    let wrong = try problem(EnrichConfiguration.schema, "state:\n  standby: 2\n")
    #expect(wrong?.path == "state.standby" && wrong?.allowed == "a whole number from 0 to 1")
    #expect(try problem(IngestConfiguration.schema, "state:\n  standby: 1\n")?.path == "state.standby")
  }
}
