internal import ConfigurationFile
internal import Glibc
internal import HealthReporter
internal import Lab
internal import Logging
internal import NetworkAddress
internal import Synchronization
internal import Testing

@testable internal import Director

/// Servers that joined, and the director that is started again.
@Suite("joins that outlive the director")
struct SavedJoinsTests {
    typealias Base = MembershipTests
    typealias World = JoiningTests.World

    private static let agent = "http://10.0.0.21:9380"

    private static func key(_ last: UInt8, _ service: String = "web") -> LeaseBook.Key {
        .init(service: service, address: Base.server(last).address)
    }

    private static func joined(_ last: UInt8, _ service: String = "web") -> JoinedServer {
        JoinedServer(key: key(last, service), wish: JoinWish(agentPort: 9380))
    }

    /// The configuration with a slow start, which would show.
    private static func slow(_ configuration: DirectorConfiguration = JoiningTests.configuration())
        -> DirectorConfiguration
    {
        var configuration = configuration
        for index in configuration.services.indices { configuration.services[index].slowStart = .seconds(60) }
        return configuration
    }

    private static func file(
        _ configuration: DirectorConfiguration, in directory: String, _ lines: LinesOfLog = LinesOfLog()
    ) -> JoinedFile {
        var configuration = configuration
        configuration.runDirectory = directory
        return JoinedFile(configuration, logger: Logger(label: "test") { _ in lines.handler })
    }

    @Test("they are servers from the start: where they were, up with all their weight, and asked where they answer")
    func restart() async throws {
        let scratch = try ScratchDirectory()
        let configuration = Self.slow()
        let before = await World(configuration)
        _ = try await before.join("web", "dns", weight: 3, agentPort: 9999)
        _ = try await before.join("web", from: Base.server(22).address)
        let file = Self.file(configuration, in: scratch.path)
        file.keep(await before.board.savedJoins)

        let (taken, joins) = Self.file(configuration, in: scratch.path).takeBack(into: configuration) { _ in true }
        let after = await World(taken, resuming: joins)
        #expect(await after.board.configuration == before.board.configuration)
        #expect(await after.board.membership.agents == before.board.membership.agents)
        #expect(after.engineServers == [3, 1, 0])
        await after.board.receive(Base.report(weight: 50), from: "http://10.0.0.21:9999")
        #expect(after.plans.latest.withLock { $0[0].servers.map(\.weight) } == [0, 150, 0], "no slow start")
        // Nothing becomes of it that they join again, and it is from then on that leases run as ever.
        #expect(await after.board.savedJoins == joins)
        let now = ContinuousClock.now
        #expect(try await after.join("web", "dns", weight: 3, agentPort: 9999, at: now) == [.joined, .joined])
        #expect(await after.board.configuration == taken)
        #expect(await after.board.membership.groups[0].members[1].standing.weight == 150)
    }

    @Test("one that is in the file twice is judged each time")
    func twice() {
        var second = Self.joined(21)
        second.wish.weight = -3
        var refused: [String] = []
        let kept = JoiningTests.configuration().keeping(
            [Self.joined(21), second], refuse: { refused.append($1) }
        ) { _ in true }
        #expect(refused == ["the weight -3 is not from 0 to 65535"])
        #expect(kept.services[0].servers.last?.weight == 1)
    }

    @Test("they have a lease to say that they are still there, long enough for agents that wait; then they go")
    func lease() async throws {
        var configuration = JoiningTests.configuration()
        configuration.join?.lease = .seconds(5)
        let start = ContinuousClock.now
        let joins = SavedJoins(servers: [Self.joined(21), Self.joined(22)])
        let world = await World(configuration.keeping(joins.servers) { _ in true }, resuming: joins)
        for second in 1...35 {
            if second == 12 {
                #expect(try await world.join("web", at: start + .seconds(second)) == [.joined])
            }
            await world.board.endLeases(at: start + .seconds(second))
            let count = await world.servers(of: "web").count
            #expect(count == (second < 17 ? 3 : second < 30 ? 2 : count), "after \(second) s")
        }
        #expect(await world.servers(of: "web").map(\.isJoined) == [false])
    }

    @Test(
        "the file is written with each change of who joined, for its owner alone, without a token, and goes with the last"
    )
    func written() async throws {
        let scratch = try ScratchDirectory()
        let world = await World()
        let file = Self.file(JoiningTests.configuration(), in: scratch.path)
        var told = world.board.joins.makeAsyncIterator()
        func content() async -> String {
            if let joins = await told.next() { file.keep(joins) }
            return String(decoding: ReplayTests.read(file.path), as: UTF8.self)
        }
        #expect(await content() == "")
        #expect(access(file.path, F_OK) != 0)
        _ = try await world.join("web", weight: 2)
        #expect(
            await content()
                == #"{"drained":[],"servers":[{"asked":{"agent_port":9380,"weight":2},"server":{"address":"10.0.0.21","service":"web"}}],"version":1}"#
        )
        var status = stat()
        #expect(stat(file.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        // Set by hand is what a restart forgets, of these servers as of any other.
        _ = try await world.control.perform(
            .set, ServerRequest(service: "web", address: JoiningTests.caller, weight: 9))
        #expect(await content().contains(#""weight":2"#))
        _ = try await world.join("web", weight: 9)
        #expect(await content().contains(#""weight":9"#), "asked for, it is another matter")
        _ = try await world.control.perform(.drain, ServerRequest(service: "web", address: JoiningTests.caller))
        #expect(await content().hasPrefix(#"{"drained":[{"address":"10.0.0.21","service":"web"}],"#))
        _ = try await world.control.perform(.undrain, ServerRequest(service: "web", address: JoiningTests.caller))
        #expect(await content().hasPrefix(#"{"drained":[],"#))
        _ = try await world.board.leave(nil, from: JoiningTests.caller)
        #expect(await content() == "")
        #expect(access(file.path, F_OK) != 0)
        #expect(try await Command.run(["ls", "-A", scratch.path]).output == "")
    }

    @Test("a reload without [join] has nobody outlive it")
    func ended() async throws {
        let world = await World()
        _ = try await world.join("web")
        _ = try await world.control.perform(.drain, ServerRequest(service: "web", address: JoiningTests.caller))
        var file = JoiningTests.configuration()
        file.join = nil
        world.write(file)
        _ = try await world.control.reload()
        let saved = await world.board.savedJoins
        #expect(saved == SavedJoins())
    }

    @Test("what does not fit any more is left out, each told with its reason, and the rest is taken back")
    func fitting() async throws {
        let scratch = try ScratchDirectory()
        let lines = LinesOfLog()
        var configuration = JoiningTests.configuration(
            limit: 2, web: [Base.server(11), Base.server(22, agent: nil, weight: 7)])
        let file = Self.file(configuration, in: scratch.path, lines)
        file.keep(
            SavedJoins(
                servers: [
                    Self.joined(21), Self.joined(22), Self.joined(23), Self.joined(24), Self.joined(21, "gone"),
                    Self.joined(21, "mail"),
                ], drained: [Self.key(21), Self.key(22), Self.key(30), Self.key(30, "gone")]))
        let unreachable = Base.server(23).address
        let (taken, joins) = file.takeBack(into: configuration) { configuration in
            !configuration.services.contains { $0.servers.contains { $0.address == unreachable } }
        }
        #expect(taken.services[0].servers.map(\.address) == [11, 22, 21].map { Base.server($0).address })
        #expect(taken.services[0].servers[1].weight == 7, "the file's own")
        #expect(joins.servers == [Self.joined(21)])
        let told = lines.all
        for words in [
            "web: server 10.0.0.24: 2 servers have joined, which is the limit",
            "gone: server 10.0.0.21: there is no such service",
            "mail: server 10.0.0.21: servers may not join it", "web: server 10.0.0.23: this host cannot send to it",
        ] { #expect(told.contains { $0.contains(words) }, "\(words): \(told)") }
        // Drains of who is there, and of who may come back; not of a service that is gone.
        let world = await World(taken, resuming: joins)
        #expect(await world.board.membership.groups[0].members.map(\.isDrained) == [false, true, true])
        #expect(await world.board.membership.drainedJoins == [Self.key(21), Self.key(30)])
        // Without [join] there is nobody to take back.
        configuration.join = nil
        let none = Self.file(configuration, in: scratch.path, lines).takeBack(into: configuration) { _ in true }
        #expect(none.configuration == configuration && none.joins.isEmpty)
        #expect(lines.all.last == "6 servers that had joined are not taken back: there is no [join] any more")
    }

    @Test(
        "a file that is damaged is told and left alone, and the director starts without",
        arguments: [
            "", "{", "[]", #"{"version":1,"servers":[]}"#, #"{"version":2,"servers":[],"drained":[]}"#,
            #"{"version":1,"drained":[],"servers":[{"server":{"service":"web","address":"10.0.0.0/8"},"asked":{"weight":1,"agent_port":1}}]}"#,
            #"{"version":1,"drained":[],"servers":[{"server":{"service":"web","address":"10.0.0.21"},"asked":{"weight":1,"agent_port":0}}]}"#,
            #"{"version":1,"drained":[],"servers":[{"server":{"service":"web","address":"10.0.0.21"},"asked":{"weight":1,"agent_port":70000}}]}"#,
        ])
    func damaged(_ text: String) throws {
        let scratch = try ScratchDirectory()
        let (lines, configuration) = (LinesOfLog(), JoiningTests.configuration())
        let file = Self.file(configuration, in: scratch.path, lines)
        try scratch.write(text, to: "joined")
        let (taken, joins) = file.takeBack(into: configuration) { _ in true }
        #expect(taken == configuration && joins.isEmpty)
        let words =
            "servers that had joined are not taken back before they join again: cannot read \(file.path): it is "
        #expect(lines.all.count == 1 && lines.all[0].hasPrefix(words), "\(lines.all)")
        file.keep(SavedJoins(servers: [Self.joined(21)]))
        #expect(
            file.takeBack(into: configuration) { _ in true }.joins.servers == [Self.joined(21)], "and it is replaced")
    }

    @Test("a weight or a port that no request can have is refused by itself")
    func impossible() throws {
        let configuration = JoiningTests.configuration()
        var refused: [String] = []
        let wrong = [
            JoinedServer(key: Self.key(21), wish: JoinWish(weight: 65_536, agentPort: 1)),
            JoinedServer(key: Self.key(22), wish: JoinWish(weight: -1, agentPort: 1)),
            JoinedServer(key: Self.key(23), wish: JoinWish(port: 8080, agentPort: 1)),
        ]
        #expect(configuration.keeping(wrong, refuse: { refused.append($1) }) { _ in true } == configuration)
        #expect(refused.count == 3)
    }

    @Test("a file that is not the director's own, or cannot be written, keeps nothing from running, and is told once")
    func foreign() throws {
        let scratch = try ScratchDirectory()
        let (lines, configuration) = (LinesOfLog(), JoiningTests.configuration())
        let joins = SavedJoins(servers: [Self.joined(21)])
        let file = Self.file(configuration, in: scratch.path, lines)
        try scratch.write(String(decoding: joins.json, as: UTF8.self), to: "other")
        #expect(symlink("other", file.path) == 0)
        #expect(file.takeBack(into: configuration) { _ in true }.joins.isEmpty)
        #expect(unlink(file.path) == 0 && mkdir(file.path, 0o700) == 0)
        #expect(file.takeBack(into: configuration) { _ in true }.joins.isEmpty)
        #expect(lines.all.count == 2)
        file.keep(joins)
        file.keep(joins)
        #expect(
            lines.all.count == 3
                && lines.all[2].hasPrefix("servers that joined will not outlast a restart: cannot write"))
        #expect(rmdir(file.path) == 0)
        file.keep(joins)
        #expect(file.takeBack(into: configuration) { _ in true }.joins == joins)
        #expect(lines.all.last == "took 1 servers back that had joined")
        guard geteuid() == 0 else { return }
        #expect(chown(file.path, 65_534, 65_534) == 0)
        #expect(file.takeBack(into: configuration) { _ in true }.joins.isEmpty)
        #expect(lines.all.last?.contains("no file of the director's own") == true)
    }

    @Test("the folder that a director made stays while the file is in it")
    func folder() throws {
        let scratch = try ScratchDirectory()
        let directory = "\(scratch.path)/run"
        let file = Self.file(JoiningTests.configuration(), in: directory)
        let first = try ControlSocket(runDirectory: directory)
        file.keep(SavedJoins(servers: [Self.joined(21)]))
        first.withdraw()
        #expect(access(file.path, F_OK) == 0)
        let second = try ControlSocket(runDirectory: directory)
        file.keep(SavedJoins())
        second.withdraw()
        #expect(access(directory, F_OK) != 0)
    }

    @Test("of many that had joined, the one that stands in the way is found with few looks at the host")
    func halves() {
        let configuration = JoiningTests.configuration(limit: 1000)
        let many = (0..<200).map { number in
            JoinedServer(
                key: .init(service: "web", address: .v4(IPv4Address(10, 1, 0, UInt8(number)))),
                wish: JoinWish(agentPort: 9380))
        }
        var looks = 0
        var refused: [JoinedServer] = []
        let taken = configuration.keeping(many, refuse: { server, _ in refused.append(server) }) { configuration in
            looks += 1
            return !configuration.services[0].servers.contains { $0.address == many[77].key.address }
        }
        #expect(refused == [many[77]] && taken.services[0].servers.count == 200)
        #expect(looks < 25, "\(looks)")
    }

    @Test("a drain by hand holds while its server is away, until undrain: it is drained from the moment it joins")
    func drain() async throws {
        let world = await World()
        let start = ContinuousClock.now
        let request = ServerRequest(service: "web", address: JoiningTests.caller)
        _ = try await world.join("web", "dns", at: start)
        _ = try await world.control.perform(.drain, request)
        await world.board.endLeases(at: start + .seconds(1))
        _ = try await world.board.leave(nil, from: JoiningTests.caller)
        #expect(await world.servers(of: "web").count == 1)
        #expect(await world.board.savedJoins.drained == [Self.key(21)])
        // Its lease runs out the second time.
        for _ in 0..<2 {
            _ = try await world.join("web", "dns", at: start)
            await world.board.receive(Base.report(), from: Self.agent)
            let member = await world.board.membership.groups[0].members[1]
            #expect(member.isDrained && member.standing.state == .draining && member.standing.weight == 0)
            #expect(
                await world.board.membership.groups[1].members[0].isDrained == false, "of the other service it is not")
            for second in 1...31 { await world.board.endLeases(at: start + .seconds(second)) }
        }
        #expect(await world.servers(of: "web").count == 1)
        // Undrained while it is away; once.
        _ = try await world.control.perform(.undrain, request)
        await JoiningTests.refusal(.unknown, "it is not one of its servers") {
            _ = try await world.control.perform(.undrain, request)
        }
        await JoiningTests.refusal(.unknown, "it is not one of its servers") {
            _ = try await world.control.perform(.drain, request)
        }
        _ = try await world.join("web")
        await world.board.receive(Base.report(), from: Self.agent)
        #expect(await world.board.membership.groups[0].members[1].standing.weight == 100)
        #expect(await world.board.savedJoins.drained == [])
    }

    @Test("a server of the file, or added by hand, that goes takes its drain with it, as ever")
    func drainOfOthers() async throws {
        let world = await World()
        let request = ServerRequest(service: "dns", address: JoiningTests.caller)
        _ = try await world.control.perform(.add, request)
        _ = try await world.control.perform(.drain, request)
        _ = try await world.control.perform(.remove, request)
        _ = try await world.control.perform(.add, request)
        #expect(await world.board.membership.groups[1].members[0].isDrained == false)
    }
}
