public import NetworkAddress

/// What a server asks of a director with `POST /v1/join`, and again before the lease runs out:
/// `{"services":["web"],"weight":1,"agent_port":9380}`.
public struct JoinRequest: Codable, Sendable, Equatable {
    /// The services it is to be a server of, by the name that both know them by.
    public var services: [String]
    /// Its own address (RIP); nil: where it connects from.
    public var address: IPAddress?
    /// The port at that address where its agent answers.
    public var agentPort: UInt16
    /// Multiplies what its agent reports: 0 to 65535.
    public var weight: Int
    /// With `forward = "nat"` the port on the server, 1 to 65535, by the names of the services where it is not the VIP's.
    public var realPorts: [String: UInt16]

    enum CodingKeys: String, CodingKey, CaseIterable {
        case services, address, weight
        case agentPort = "agent_port"
        case realPorts = "real_ports"
    }

    /// Where joins are asked for. `DELETE`, with `?address=` where the join had one, ends them.
    static let path = "/v1/join"
    /// So many services are taken in one request at most.
    static let mostServices = 1_024

    /// A request; what is left out is the address that it comes from.
    public init(
        services: [String], address: IPAddress? = nil, agentPort: UInt16, weight: Int = 1,
        realPorts: [String: UInt16] = [:]
    ) {
        self.services = services
        self.address = address
        self.agentPort = agentPort
        self.weight = weight
        self.realPorts = realPorts
    }

    /// Unknown keys are refused: a misspelt one would be left out of account.
    public init(from decoder: any Decoder) throws {
        let known = CodingKeys.allCases.map(\.stringValue)
        let present = try decoder.container(keyedBy: AnyJoinKey.self).allKeys.map(\.stringValue)
        if let unknown = present.sorted().first(where: { !known.contains($0) }) {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "`\(unknown)` is not known here; known are \(known.joined(separator: ", "))"))
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        services = try container.decode([String].self, forKey: .services)
        address = try container.decodeIfPresent(IPAddress.self, forKey: .address)
        agentPort = try container.decode(UInt16.self, forKey: .agentPort)
        weight = try container.decodeIfPresent(Int.self, forKey: .weight) ?? 1
        realPorts = try container.decodeIfPresent([String: UInt16].self, forKey: .realPorts) ?? [:]
        func refuse(_ key: CodingKeys, _ words: String) -> DecodingError {
            .dataCorruptedError(forKey: key, in: container, debugDescription: words)
        }
        guard (1...Self.mostServices).contains(services.count) else {
            throw refuse(.services, "\(services.count) are not 1 to \(Self.mostServices) services")
        }
        guard Set(services).count == services.count else { throw refuse(.services, "a service is in it twice") }
        guard agentPort > 0 else { throw refuse(.agentPort, "0 is not a port of 1 to 65535") }
        guard realPorts.keys.allSatisfy(Set(services).contains) else {
            throw refuse(.realPorts, "it has a service that is not in `services`")
        }
        guard realPorts.values.allSatisfy({ $0 > 0 }) else { throw refuse(.realPorts, "0 is not a port of 1 to 65535") }
        guard (0...65_535).contains(weight) else { throw refuse(.weight, "\(weight) is not a weight of 0 to 65535") }
    }
}

/// Any key of JSON.
struct AnyJoinKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
