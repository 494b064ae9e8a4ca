import Fuzzing
import Testing

@testable import ConfigurationFile

@Suite("Files that were damaged")
struct FuzzTests {
    private static let agent = """
        interface = "eth0" # x
        directors = ["10.0.0.1"]
        tunnel_sources = ["172.16.0.0/16", "10.9.0.1"]
        default_route = true
        stop_timeout = "45s"
        [report]
        listen = ["10.0.0.11:9380"]
        allow = ["10.1.0.0/16", "::1"]
        token = "0123456789abcdef"
        tls = { certificate = "/c", key = "/k", client_ca = "/a" }
        [[service]]
        name = "web"
        vip = ["192.0.2.10"]
        port = [80, 443]
        weight = 10
        forward = "tun"
        tunnel = "gue"
        tunnel_port = 6081
        reply = "director"
        scope = "host"
        slow_start = "30s"
        agent_check = "10.0.0.11:9381"
        [service.load]
        cpu = 0.8
        memory = 0.9
        load_average = 2
        command = ["/l", "-a"]
        command_full = 1e3
        min = 2
        max = 9
        smoothing = "5s"
        step = 3
        [[service.check]]
        http = '/'
        method = "POST"
        status = [200, "300-399"]
        headers = { X-A = "b", Y = "" }
        body = "ok"
        tls = true
        server_name = "a.example"
        verify = true
        ca = "/a"
        expiry_warning = "30d"
        interval = "1.5s"
        fast_interval = "1s"
        rise = 2
        [[service]]
        name = "b"
        vip = "192.0.2.11"
        port = 0
        check = [
          { tcp = true, port = 25 }, { exec = ["/x", "y"] }, { systemd = "a.service" }, { file = "/f", exists = true },
        ]
        [[service]]
        name = "c"
        vip = "192.0.2.12"
        port = 8080
        forward = "nat"
        real_port = 80
        [[service.check]]
        udp = true
        send = "a"
        expect = "b"
        [[service.check]]
        grpc = "a.B"
        [[join]]
        director = ["https://10.0.0.1:9391", "http://10.0.0.1:9392"]
        token = "0123456789abcdef"
        ca = "/a"
        services = ["web", "c"]
        weight = 2
        address = "10.0.0.11"
        """
    private static let director = """
        interface = "eth0"
        status = "127.0.0.1:9390"
        own_vip = true
        flows = 4096
        sloppy = true
        timeouts = { tcp = "10m", tcp_fin = "1m", udp = "90s" }
        [agent]
        tls = true
        token = "0123456789abcdef"
        certificate = "/c"
        key = "/k"
        [join]
        listen = "10.0.0.1:9391"
        token_file = "/t"
        services = ["b"]
        networks = ["10.0.0.0/24"]
        lease = "20s"
        limit = 9
        tls = { certificate = "/c", key = "/k" }
        [[service]]
        name = "web"
        vip = ["192.0.2.10", "2001:db8::10"]
        port = 80
        forward = "tun"
        tunnel = "gue"
        tunnel_port = 6081
        reply = "director"
        scheduler = "mh"
        scheduler_flags = ["port", "fallback"]
        persistence = "5m"
        persistence_netmask = 24
        persistence_netmask6 = 64
        drained_clients = "move"
        removed_connections = "forget"
        sorry_server = { address = "10.0.0.99" }
        quorum = 2
        hysteresis = 1
        slow_start = "30s"
        last_word = "1m"
        rise = 2
        fall = 4
        [[service.server]]
        address = "10.0.0.11"
        agent = "http://10.0.0.11:9380"
        fall = 3
        upper = 1000
        lower = 800
        [[service.server]]
        address = "2001:db8::12"
        agent = false
        weight = 2
        [[service.server.check]]
        http = '/'
        address = "2001:db8::13"
        [[service]]
        name = "b"
        vip = "192.0.2.10"
        port = 53
        protocol = "udp"
        forward = "nat"
        scheduler = "rr"
        check = [{ udp = true, send = "a", port = 53 }, { tcp = true }]
        [[service.server]]
        address = "10.0.0.12"
        port = 5353
        agent = false
        [[outbound]]
        source = ["10.0.0.0/25", "10.0.0.128/25"]
        address = "192.0.2.10"
        ports = "1024-2047"
        """
    private static let fragments: [[UInt8]] = [
        "[", "]", "[[", "]]", "{", "}", "\"", "'", "\"\"\"", "'''", "\n", "\r\n", "#", "=", ".", ",", "\\", "\\u0000",
        "-1",
        "0", "65536", "9223372036854775808", "1e400", "nan", "1979-05-27", "07:32:00", "true", "[[service]]",
        "[service]",
        "a.b.c = 1", "\"\" = 1", "\0", "\u{FEFF}", "é", "\u{301}", "service", "vip = []", "port = 0\n", "::", "/32",
        "h", "d", "@", "%", " ", "é\u{7F}", "[service.load]\n", "[[service.check]]\n", "[service.check.headers]\n",
        "tls = true\n", "exec = ['/a']\n", "exists = false\n", "allow = 'any'\n",
    ].map { Array($0.utf8) }

    private static let values: [[UInt8]] = [
        "0", "-1", "65535", "65536", "9223372036854775807", "0.5", "nan", "true", "1979-05-27", "''", "'x'", "'/'",
        "[]",
        "[[]]", "[0]", "['a', 1]", "{}", "{ a.b = 1 }", "[{}]", "[{ tcp = true }]", "'192.0.2.10'",
        "['192.0.2.11', '192.0.2.10']", "'::1'", "'2001:db8::1'", "'10.0.0.1/8'", "'0.0.0.0/0'", "['::/1']", "'nat'",
        "'tun'", "'direct'", "'host'", "'10.0.0.11:80'", "'1h'", "'1ms'", "'udp'", "'wlc'", "'any'", "'a.service'",
        "'a@.service'",
        "'/a'", "['/a', 'b']", "'200-299'", "['599-100']", "{ A = 'b' }", "{ a = 'b', A = 'c' }", "'GET'", "'366d'",
        "'0.0.0.0:9380'", "inf", "1e308", "-0.0", "1e-320",
        "'http://a:1'", "'https://a:1'", "'sh'", "'port'", "'web'", "'80-90'", "'53-52'", "{ address = '10.0.0.11' }",
        "[{ address = '::2' }]", "\"\"\"\nx\n\"\"\"",
    ].map { Array($0.utf8) }

    /// One or two small damages: a byte changed, a range removed or doubled, a fragment put in, a value replaced, a
    /// line moved.
    private static func damaged(_ text: [UInt8], _ generator: inout SplitMix) -> [UInt8] {
        var bytes = text
        for _ in 0..<Int.random(in: 1...2, using: &generator) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &generator)
            let end = min(bytes.count, at + Int.random(in: 1...12, using: &generator))
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[at] = UInt8.random(in: 0x20...0x7E, using: &generator)
            case 2: bytes.removeSubrange(at..<end)
            case 3: bytes.insert(contentsOf: bytes[at..<end], at: at)
            case 4: bytes.insert(contentsOf: fragments.randomElement(using: &generator) ?? [], at: at)
            case 5, 6:
                guard let equals = bytes[at...].firstIndex(of: UInt8(ascii: "=")) else { break }
                let lineEnd = bytes[equals...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
                bytes.replaceSubrange(equals + 1..<lineEnd, with: values.randomElement(using: &generator) ?? [])
            default:
                var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                let line = lines.remove(at: Int.random(in: 0..<lines.count, using: &generator))
                lines.insert(line, at: Int.random(in: 0...lines.count, using: &generator))
                bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
            }
        }
        return bytes
    }

    /// Every path of the document below `node`.
    private static func paths(_ node: Node) -> [NodePath] {
        switch node.value {
        case .list(let elements): [node.path] + elements.flatMap(paths)
        case .table(let pairs): [node.path] + pairs.flatMap { paths($0.node) }
        default: [node.path]
        }
    }

    /// What became of a run's files.
    private struct Outcome {
        var taken = 0
        var refused = 0
        var notTOML = 0
    }

    /// Reads so many files, each of them `text` with some damage.
    private func read(_ count: Int, damaging text: String, seed: UInt64, _ parse: (String) throws -> Void) -> Outcome {
        var generator = SplitMix(seed: seed)
        var outcome = Outcome()
        let newline = UInt8(ascii: "\n")
        for round in 0..<count {
            let damaged = String(decoding: Self.damaged(Array(text.utf8), &generator), as: UTF8.self)
            let lineCount = damaged.utf8.count { $0 == newline } + 1
            do {
                try parse(damaged)
                outcome.taken += 1
            } catch let error as ConfigurationError {
                outcome.refused += 1
                // Not #expect, which takes longer than the reading: there may be a million rounds.
                if error.problems.isEmpty { Issue.record("round \(round): refused without a problem") }
                for problem in error.problems
                where !(1...lineCount).contains(problem.line ?? 0) || problem.description.utf8.contains(newline) {
                    Issue.record("round \(round): \(problem)")
                }
            } catch {
                Issue.record("round \(round): \(error)")
            }
            guard let document = try? Node(parsing: damaged) else {
                outcome.notTOML += 1
                continue
            }
            let locator = KeyLocator(damaged)
            for path in Self.paths(document) where locator.line(of: path) == nil {
                Issue.record("round \(round): no line for \(path) in\n\(damaged)")
            }
        }
        return outcome
    }

    @Test("never crash the reading of an agent's file, and every key of those that are still TOML has its line")
    func agents() {
        survives("rsagent.toml", Self.agent) {
            let problem = try AgentConfiguration.parse($0, file: "f.toml").unsoundness
            if let problem { Issue.record("\(problem) was taken in\n\($0)") }
        }
    }

    @Test("never crash the reading of a director's file either")
    func directors() {
        survives("rsdirector.toml", Self.director) {
            let problem = try DirectorConfiguration.parse($0, file: "f.toml").unsoundness
            if let problem { Issue.record("\(problem) was taken in\n\($0)") }
        }
    }

    /// Each of the two files is half of what is asked for.
    private func survives(_ name: String, _ text: String, _ parse: (String) throws -> Void) {
        let run = FuzzRun(of: "the reading of \(name)", usual: 24_000)
        let count = run.count / 2
        let outcome = read(count, damaging: text, seed: run.seed, parse)
        // The damage is neither so heavy that nothing is TOML any more nor so light that all is taken.
        let some = count * 2 / 15
        #expect(
            outcome.taken > count / 300 && outcome.notTOML > some && outcome.refused > outcome.notTOML + some,
            "\(outcome)")
        run.tell(
            "\(outcome.taken) taken, \(outcome.refused) refused, \(outcome.notTOML) of them not TOML", of: count)
    }

    @Test("an undamaged file is valid, so that damage is what the other test sees")
    func undamaged() throws {
        _ = try AgentConfiguration.parse(Self.agent, file: "f.toml")
        _ = try DirectorConfiguration.parse(Self.director, file: "f.toml")
    }

    @Test("nesting without end is refused, not followed")
    func nesting() {
        let opened = ["a.", "[", "{a=", "'a'.", "[[a.", "[a."].map { String(repeating: $0, count: 100_000) }
        for text in opened.flatMap({ ["x = 1\na = \($0)", "x = 1\n\($0)a = 1", "x = 1\n[\($0)a]\n="] }) {
            let error = #expect(throws: ConfigurationError.self) { try AgentConfiguration.parse(text, file: "f") }
            #expect(error?.problems.map(\.line) == [2])
        }
        let dotted = String(repeating: "a.", count: 100_000)
        let error = #expect(throws: ConfigurationError.self) {
            try AgentConfiguration.parse("\(dotted)a = 1", file: "f")
        }
        let place = "f:1: syntax error: tables and lists are nested more than 128 deep"
        #expect(error?.description == "\(place); write [[service]] and its tables as the example does, with plain keys")
    }
}
