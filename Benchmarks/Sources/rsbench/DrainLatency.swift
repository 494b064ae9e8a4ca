import Glibc

/// From the start of `rsagent drain SERVICE` to the moment rsdirector shows weight 0, again and again.
///
/// The director must know no other server than this one, with a weight other than 0 at first.
struct DrainLatency {
    let status: Endpoint
    let count: Int
    let agent: String
    let configuration: String
    let service: String

    private static let patience: Int64 = 5_000_000_000

    func run() throws(Failure) -> String {
        var connection = try HTTPConnection(to: status)
        var times: [Int32] = []
        try wait(on: &connection, untilZero: false)
        for _ in 0..<count {
            let start = now()
            let drain = try spawn("drain")
            try wait(on: &connection, untilZero: true)
            times.append(Int32((now() - start) / 1_000))
            try finish(drain)
            try finish(spawn("undrain"))
            try wait(on: &connection, untilZero: false)
        }
        return "\(count) drains, from the command to rsdirector's weight 0: \(Distribution(microseconds: times))"
    }

    private func wait(on connection: inout HTTPConnection, untilZero wantsZero: Bool) throws(Failure) {
        let request = HTTPConnection.request("/v1/status", of: status)
        let zero = Array(#""weight":0"#.utf8)
        let end = now() + Self.patience
        var room = [UInt8](repeating: 0, count: 65_536)
        while now() < end {
            guard connection.ask(request) else { throw .system("ask \(status)") }
            var answer: ArraySlice<UInt8>?
            while answer == nil {
                switch connection.read(through: &room) {
                case .whole(200, let body): answer = body
                case .partial: usleep(100)
                default: throw Failure("\(status) gave no answer")
                }
            }
            let body = Array(answer!)
            let isZero = body.indices.contains { body[$0...].starts(with: zero) }
            if isZero == wantsZero { return }
            usleep(1_000)
        }
        throw Failure("within 5 s rsdirector did not show weight 0 to be \(wantsZero)")
    }

    private func spawn(_ verb: String) throws(Failure) -> pid_t {
        var process: pid_t = 0
        var arguments: [UnsafeMutablePointer<CChar>?] = []
        for argument in [agent, verb, service, "--config", configuration] { arguments.append(strdup(argument)) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        guard posix_spawn(&process, agent, &actions, nil, &arguments, [nil]) == 0 else {
            throw Failure("cannot start \(agent)")
        }
        return process
    }

    private func finish(_ process: pid_t) throws(Failure) {
        var status: Int32 = 0
        guard waitpid(process, &status, 0) == process, status == 0 else { throw Failure("\(agent) failed: \(status)") }
    }
}
