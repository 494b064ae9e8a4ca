/// The body of a change: `{"services":["web"],"reason":"kernel update","ttl_seconds":3600}`. All of it may be left out.
struct ControlRequest: Codable, Sendable, Equatable {
    /// The longest time a drain may be limited to: a year.
    static let longestTTL: Int64 = 366 * 86_400

    /// The services meant; empty: all.
    var services: [String] = []
    /// Why, in the operator's words.
    var reason = ""
    /// After how many seconds it ends by itself; nil: only by `undrain`.
    var ttlSeconds: Int64?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case services, reason
        case ttlSeconds = "ttl_seconds"
    }

    init(services: [String] = [], reason: String = "", ttlSeconds: Int64? = nil) {
        self.services = services
        self.reason = reason
        self.ttlSeconds = ttlSeconds
    }

    /// Unknown keys are refused: with `service` for `services`, every service would be meant.
    init(from decoder: any Decoder) throws {
        let known = CodingKeys.allCases.map(\.stringValue)
        let present = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
        if let unknown = present.first(where: { !known.contains($0) }) {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "`\(unknown)` is not known here; known are \(known.joined(separator: ", "))"))
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        services = try container.decodeIfPresent([String].self, forKey: .services) ?? []
        reason = try container.decodeIfPresent(String.self, forKey: .reason) ?? ""
        ttlSeconds = try container.decodeIfPresent(Int64.self, forKey: .ttlSeconds)
        if let ttlSeconds, !(1...Self.longestTTL).contains(ttlSeconds) {
            throw DecodingError.dataCorruptedError(
                forKey: .ttlSeconds, in: container,
                debugDescription: "\(ttlSeconds) is not a number of seconds from 1 to \(Self.longestTTL)")
        }
    }

    private struct AnyKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// What every refusal carries: `{"error":"…"}`.
struct RefusalBody: Codable, Sendable, Equatable {
    var error: String
}
