internal import FoundationEssentials

extension StatusSnapshot {
    /// As the body of `GET /v1/status`: keys sorted, so that equal snapshots are equal bytes.
    public func json(pretty: Bool = false) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        do {
            return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
        } catch {
            // Only a number that is none could be refused, and there is no floating point in it.
            preconditionFailure("a status has no JSON form: \(error)")
        }
    }

    /// From the body of an answer to `GET /v1/status`.
    public init(json body: some Collection<UInt8>) throws(DirectorError) {
        do {
            self = try JSONDecoder().decode(StatusSnapshot.self, from: Data(body))
        } catch {
            throw DirectorError(
                operation: "read the director's status", cause: "the answer is not a status: \(error)",
                cure: "use the rsdirector of the version that runs")
        }
    }
}
