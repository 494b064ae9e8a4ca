/// What comes back on a stream that was asked for the health of a service, and what it means.
///
/// gRPC over HTTP/2 (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md): header fields, messages that each follow a flag and a
/// length, and trailers with `grpc-status`; or all of it in one set of header fields.
struct GRPCHealthAnswer: Sendable {
    /// Many times what a HealthCheckResponse takes.
    static let longestMessage = 4_096

    private var httpStatus: String?
    private var grpcStatus: String?
    private var body: [UInt8] = []
    private var isTooLong = false

    /// The question: `message HealthCheckRequest { string service = 1; }` behind a flag and a length.
    static func request(service: String) -> [UInt8] {
        let name = Array(service.utf8)
        let message = name.isEmpty ? [] : [0x0A] + varint(name.count) + name
        return [0] + (0..<4).reversed().map { UInt8(truncatingIfNeeded: message.count >> ($0 * 8)) } + message
    }

    /// Takes header fields or trailers in.
    mutating func receive(fields: some Sequence<(name: String, value: String)>) {
        for (name, value) in fields {
            switch name {
            case ":status": httpStatus = value
            case "grpc-status": grpcStatus = value
            default: break
            }
        }
    }

    /// Takes a part of a message in.
    mutating func receive(_ bytes: some Collection<UInt8>) {
        isTooLong = isTooLong || body.count + bytes.count > Self.longestMessage
        if !isTooLong { body += bytes }
    }

    /// What it all means, or nil where more must come first.
    func verdict(isComplete: Bool, of service: String) -> CheckAnswer? {
        if isTooLong { return CheckAnswer(false, "not an answer to a health check: it is too long") }
        // 1xx are not yet the answer (RFC 9113 §8.1).
        guard isComplete else { return nil }
        guard httpStatus == "200" else {
            return CheckAnswer(false, "HTTP status \(printableLine((httpStatus ?? "missing").utf8))")
        }
        guard let grpcStatus else { return CheckAnswer(false, "not an answer of gRPC: there is no grpc-status") }
        guard grpcStatus == "0" else { return CheckAnswer(false, Self.words(for: grpcStatus, of: service)) }
        guard let status = servingStatus else {
            return CheckAnswer(false, "not an answer to a health check: it cannot be read")
        }
        // enum ServingStatus; 3 is for Watch only.
        return switch status {
        case 0: CheckAnswer(false, "UNKNOWN")
        case 1: CheckAnswer(true, "SERVING")
        case 2: CheckAnswer(false, "NOT_SERVING")
        case 3: CheckAnswer(false, "SERVICE_UNKNOWN")
        default: CheckAnswer(false, "serving status \(status)")
        }
    }

    /// `message HealthCheckResponse { ServingStatus status = 1; }`: the one number in it; nil where it is no such message.
    /// Fields that are not known are skipped, one that is missing is 0 (protobuf.dev, encoding).
    private var servingStatus: UInt64? {
        guard body.count >= 5, body[0] == 0 else { return nil }
        let length = body[1..<5].reduce(0) { $0 << 8 | Int($1) }
        guard length == body.count - 5 else { return nil }
        var rest = body[5...]
        var status: UInt64 = 0
        while !rest.isEmpty {
            guard let tag = Self.readVarint(&rest) else { return nil }
            switch tag & 7 {
            case 0:
                guard let value = Self.readVarint(&rest) else { return nil }
                if tag >> 3 == 1 { status = value }
            case 1:
                guard rest.count >= 8 else { return nil }
                rest = rest.dropFirst(8)
            case 2:
                guard let size = Self.readVarint(&rest), size <= rest.count else { return nil }
                rest = rest.dropFirst(Int(size))
            case 5:
                guard rest.count >= 4 else { return nil }
                rest = rest.dropFirst(4)
            default: return nil
            }
        }
        return status
    }

    private static func varint(_ value: Int) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(truncatingIfNeeded: value) | 0x80] + varint(value >> 7)
    }

    private static func readVarint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }

    /// The codes of gRPC by name (github.com/grpc/grpc, doc/statuscodes.md). The server's own words are left out: they may
    /// be others each time.
    private static func words(for status: String, of service: String) -> String {
        let names = [
            "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
            "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
            "UNIMPLEMENTED",
            "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
        ]
        guard let code = Int(status), names.indices.contains(code) else {
            return "grpc-status \(printableLine(status.utf8))"
        }
        let text = "grpc-status \(code) (\(names[code]))"
        return switch code {
        case 5: "\(text): the server knows no service \"\(service)\""
        case 12: "\(text): the server has no grpc.health.v1.Health"
        default: text
        }
    }
}
