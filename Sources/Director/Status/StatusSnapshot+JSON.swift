internal import FoundationEssentials

extension StatusSnapshot {
    /// As the body of `GET /v1/status`: keys sorted, so that equal snapshots are equal bytes.
    public func json(pretty: Bool = false) -> [UInt8] { encoded(self, pretty: pretty) }

    /// From the body of an answer to `GET /v1/status`.
    public init(json body: some Collection<UInt8>) throws(DirectorError) { self = try decoded(body, "a status") }
}

extension ConnectionList {
    /// As the body of `GET /v1/connections`.
    public func json(pretty: Bool = false) -> [UInt8] { encoded(self, pretty: pretty) }

    /// From the body of an answer to `GET /v1/connections`.
    public init(json body: some Collection<UInt8>) throws(DirectorError) {
        self = try decoded(body, "a list of connections")
    }
}

private func encoded(_ value: some Encodable, pretty: Bool) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    do {
        return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    } catch {
        // Only a number that is none could be refused, and there is no floating point in it.
        preconditionFailure("a status has no JSON form: \(error)")
    }
}

private func decoded<Value: Decodable>(
    _ body: some Collection<UInt8>, _ expected: String
) throws(DirectorError) -> Value {
    do {
        return try JSONDecoder().decode(Value.self, from: Data(body))
    } catch {
        throw DirectorError(
            operation: "read the director's status", cause: "the answer is not \(expected): \(error)",
            cure: "use the rsdirector of the version that runs")
    }
}
