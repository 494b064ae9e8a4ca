internal import FoundationEssentials

/// Who joined, as it outlives the director: what their agents asked for, and which of them are drained by hand. No secret is
/// in it.
struct SavedJoins: Equatable, Codable, Sendable {
    /// What the form is called: another one is not read.
    private var version = 1
    /// In the order of their services, and of joining.
    private(set) var servers: [JoinedServer]
    /// Also of servers that have gone.
    private(set) var drained: [LeaseBook.Key]

    init(servers: [JoinedServer] = [], drained: Set<LeaseBook.Key> = []) {
        self.servers = servers
        self.drained = drained.sorted { ($0.service, $0.address) < ($1.service, $1.address) }
    }

    var isEmpty: Bool { servers.isEmpty && drained.isEmpty }

    /// Why bytes are none, in words.
    struct Flaw: Error {
        let cause: String
    }

    /// Reads it.
    init(json: [UInt8]) throws(Flaw) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(json))
        } catch {
            throw Flaw(cause: "it is damaged, or of another version")
        }
        guard version == 1 else { throw Flaw(cause: "it is of another version") }
        guard servers.allSatisfy({ $0.wish.agentPort > 0 }) else { throw Flaw(cause: "it is damaged: 0 is no port") }
    }

    var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(self) else { preconditionFailure("names and numbers have no JSON form") }
        return Array(json)
    }
}
