import FoundationEssentials

extension Report {
    /// From the body of an answer to `GET /v1/report`.
    ///
    /// - Throws: `ReporterError` where it is not one.
    public init(json body: some Collection<UInt8>) throws(ReporterError) {
        self = try JSON.decode(Report.self, from: body, operation: "read the agent's report")
    }

    /// As the body of an answer to `GET /v1/report`.
    public func json() -> [UInt8] {
        JSON.encode(self)
    }
}

/// The one way values of this module become JSON and come back: keys sorted, so that equal values are equal bytes.
enum JSON {
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            // Only a number that is no number could be refused, and the types encoded here hold none.
            preconditionFailure("\(type(of: value)) has no JSON form: \(error)")
        }
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type, from body: some Collection<UInt8>, operation: String
    ) throws(ReporterError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch let error as DecodingError {
            throw ReporterError(.malformed, operation: operation, cause: describe(error))
        } catch {
            throw ReporterError(.malformed, operation: operation, cause: "\(error)")
        }
    }

    /// A decoding error as one line: what is wrong, and at which key.
    private static func describe(_ error: DecodingError) -> String {
        let (context, what): (DecodingError.Context, String) =
            switch error {
            case .keyNotFound(let key, let context): (context, "`\(key.stringValue)` is missing")
            case .typeMismatch(let type, let context): (context, "it should be a \(type)")
            case .valueNotFound(let type, let context): (context, "it is null and should be a \(type)")
            case .dataCorrupted(let context): (context, context.debugDescription)
            @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), "\(error)")
            }
        let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
        return path.isEmpty ? what : "at `\(path.drop { $0 == "." })`: \(what)"
    }
}
