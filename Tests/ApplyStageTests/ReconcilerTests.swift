import Testing

@testable import ApplyStage
