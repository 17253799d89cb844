import Testing

@testable import Topics
