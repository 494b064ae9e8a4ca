public import NetworkAddress

/// A client's TCP connection to a service of this host, by its two ends.
public struct ClientConnection: Hashable, Sendable {
    /// The client's address.
    public var client: IPAddress
    /// The client's port.
    public var clientPort: UInt16
    /// The service's address: a VIP, or this host's own where the director translates addresses.
    public var address: IPAddress
    /// The service's port.
    public var port: UInt16

    /// A connection by its two ends.
    public init(client: IPAddress, clientPort: UInt16, address: IPAddress, port: UInt16) {
        self.client = client
        self.clientPort = clientPort
        self.address = address
        self.port = port
    }
}

/// A new connection (a TCP SYN) as it came in, and who handed it to this host.
public struct Arrival: Hashable, Sendable {
    /// Who it came from on the last stretch.
    public enum Sender: Hashable, Sendable {
        /// This configured director.
        case director(IPAddress)
        /// Somebody else, in words: `MAC 02:00:00:00:00:0a, which is no configured director's`.
        case stranger(String)
        /// That cannot be told; why not, in words.
        case unknown(String)
    }

    /// The connection it asks for.
    public var connection: ClientConnection
    /// Who handed it over.
    public var sender: Sender

    /// A connection and who handed it over.
    public init(_ connection: ClientConnection, from sender: Sender) {
        self.connection = connection
        self.sender = sender
    }
}

/// What a drain needs of the host beside the number of connections. All of it may block, and is called on a thread for that.
public struct DrainTools: Sendable {
    /// The connections clients hold open; nil where there are more than the limit.
    public typealias List = @Sendable (LocalEndpoints, _ limit: Int) throws -> [ClientConnection]?
    /// Ends the connections clients hold open, and returns how many it ended; never a listener.
    public typealias Cut = @Sendable (LocalEndpoints) throws -> Int
    /// The new connections to these addresses since the last call, at most some thousands; the first call for other addresses
    /// than the last one only begins to look. No addresses: nothing is looked for any more. Throws where it cannot be seen.
    public typealias Arrivals = @Sendable (Set<IPAddress>) throws -> [Arrival]

    let list: List
    let cut: Cut
    let arrivals: Arrivals

    /// The three, each by the host's own means.
    public init(list: @escaping List, cut: @escaping Cut, arrivals: @escaping Arrivals) {
        self.list = list
        self.cut = cut
        self.arrivals = arrivals
    }
}
