internal import ConfigurationFile
internal import HealthReporter
internal import NetworkAddress

extension DirectorConfiguration.Join {
    /// The address that a server joins with.
    ///
    /// - Parameter caller: where it connects from. Nobody speaks for another's address, unless it is one that the operator lists.
    func address(_ claimed: IPAddress?, from caller: IPAddress) throws(ControlRefusal) -> IPAddress {
        let caller = caller.unmapped
        guard let claimed = claimed?.unmapped, claimed != caller else { return caller }
        guard networks.contains(where: { $0.contains(claimed) }) else {
            throw ControlRefusal(
                .forbidden, operation: "join as \(claimed)",
                cause: "this comes from \(caller), and \(claimed) is in none of `networks` under [join]",
                cure: "let the server leave `address` out, or list its network")
        }
        return claimed
    }
}

extension DirectorConfiguration {
    /// Where an agent at that address answers.
    func agentURL(of address: IPAddress, _ port: UInt16) -> String {
        "\(agent.isOverTLS ? "https" : "http")://\(SocketAddress(address: address, port: port))"
    }

    /// The configuration without the servers of these leases.
    func without(_ keys: Set<LeaseBook.Key>) -> Self {
        var result = self
        for index in services.indices {
            let name = services[index].name
            result.services[index].servers.removeAll {
                $0.isJoined && keys.contains(.init(service: name, address: $0.address))
            }
        }
        return result
    }

    /// The servers that joined by themselves, as they are here now.
    var joinedServers: [JoinedServer] {
        services.flatMap { service in
            service.servers.lazy.filter(\.isJoined).map { server in
                let port = server.agent.flatMap { SocketAddress($0.drop { $0 != "/" }.dropFirst(2)) }?.port
                return JoinedServer(
                    key: .init(service: service.name, address: server.address),
                    wish: JoinWish(
                        weight: server.weight, port: server.port,
                        agentPort: port ?? AgentConfiguration.defaultReportPort))
            }
        }
    }

    /// This configuration, which a file is, with servers that had joined, as far as it lets them. What it says of one of them
    /// itself counts.
    ///
    /// - Parameters:
    ///   - isSound: whether a configuration can be carried out. A server that stands in the way of a file goes.
    ///   - refuse: told of each that is not taken, and why.
    func keeping(
        _ joined: [JoinedServer], refuse: (JoinedServer, String) -> Void = { _, _ in }, _ isSound: (Self) -> Bool
    ) -> Self {
        var all = Admission(self, joined: 0)
        var admitted: [JoinedServer] = []
        for server in joined {
            do throws(ControlRefusal) {
                if try all.admit(server.key, server.wish) == .joined { admitted.append(server) }
            } catch {
                refuse(server, error.error.cause)
            }
        }
        guard !admitted.isEmpty, !isSound(all.configuration) else { return all.configuration }
        // With a file that is none itself, no server is to blame.
        guard isSound(self) else { return self }
        let sound = admitted[...].sound { isSound(with($0)) }
        for server in Set(admitted).subtracting(sound).sorted(by: { $0.key.address < $1.key.address }) {
            refuse(server, "this host cannot send to it")
        }
        return with(sound[...])
    }

    private func with(_ joined: ArraySlice<JoinedServer>) -> Self {
        var admission = Admission(self, joined: 0)
        for server in joined { _ = try? admission.admit(server.key, server.wish) }
        return admission.configuration
    }
}

extension ArraySlice {
    /// Those that are sound, each by itself, found by halves: each look at some is a look at the host.
    fileprivate func sound(_ areSound: (Self) -> Bool) -> [Element] {
        if isEmpty || areSound(self) { return Array(self) }
        guard count > 1 else { return [] }
        let middle = startIndex + count / 2
        return self[..<middle].sound(areSound) + self[middle...].sound(areSound)
    }
}
