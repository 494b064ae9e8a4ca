/// A weight that an operator has set, in place of what the configuration and the load make of it.
public struct WeightByHand: Codable, Sendable, Equatable {
    /// The weights there are: what IPVS takes.
    public static let range = 0...65_535

    /// The service's name.
    public var name: String
    /// 0 asks for no new connections, in state `up`.
    public var weight: Int
    /// When it was set.
    public var since: Timestamp

    /// Creates a weight by hand.
    public init(name: String, weight: Int, since: Timestamp) {
        self.name = name
        self.weight = weight
        self.since = since
    }
}

/// The body of `POST /v1/weight`: `{"service":"web","weight":50}`; a weight of null gives it back to the load rules.
struct WeightRequest: Codable, Sendable, Equatable {
    var service: String
    var weight: Int?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case service, weight
    }

    init(service: String, weight: Int?) {
        self.service = service
        self.weight = weight
    }

    /// `weight` must be there: one that is forgotten, or misspelt, is not a null.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        service = try container.decode(String.self, forKey: .service)
        guard container.contains(.weight) else {
            throw DecodingError.keyNotFound(
                CodingKeys.weight, DecodingError.Context(codingPath: [], debugDescription: ""))
        }
        weight = try container.decodeIfPresent(Int.self, forKey: .weight)
        if let weight, !WeightByHand.range.contains(weight) {
            throw DecodingError.dataCorruptedError(
                forKey: .weight, in: container,
                debugDescription: "\(weight) is not a weight from 0 to \(WeightByHand.range.upperBound), nor null")
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(service, forKey: .service)
        try container.encode(weight, forKey: .weight)
    }
}
