import Testing

@testable import Orders
