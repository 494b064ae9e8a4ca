import Glibc

/// The other side of the benchmark: what is checked, who asks, who lays siege. `Benchmarks/run` puts them in their places.
@main
enum RSBench {
    static let usage = """
        usage: rsbench serve ADDRESS:PORT…                                 answers health checks with 200
               rsbench load ADDRESS:PORT PATH CONNECTIONS SECONDS [RATE]   asks; RATE a second, or as fast as it is answered
               rsbench siege ADDRESS:PORT IDLE SLOW RUDE                   holds connections, until it is ended
               rsbench drain STATUS COUNT AGENT CONFIG SERVICE             from `rsagent drain` to rsdirector's weight 0
        """

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)

        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            switch (arguments.first, arguments.count) {
            case ("serve", 2...): try CheckedServer(at: arguments.dropFirst().map(Endpoint.init)).run()
            case ("load", 5), ("load", 6):
                let load = try Load(
                    endpoint: Endpoint(arguments[1]), path: arguments[2], connections: number(arguments[3]),
                    seconds: number(arguments[4]), rate: arguments.count == 6 ? number(arguments[5]) : nil)
                print(try load.run())
            case ("siege", 5):
                try Siege(
                    endpoint: Endpoint(arguments[1]), idle: number(arguments[2]), slow: number(arguments[3]),
                    rude: number(arguments[4])
                ).run()
            case ("drain", 6):
                let drain = try DrainLatency(
                    status: Endpoint(arguments[1]), count: number(arguments[2]), agent: arguments[3],
                    configuration: arguments[4], service: arguments[5])
                print(try drain.run())
            default:
                throw Failure(usage)
            }
        } catch {
            let text = Array("\(error)\n".utf8)
            _ = write(2, text, text.count)
            exit(1)
        }
    }

    private static func number(_ text: String) throws(Failure) -> Int {
        guard let number = Int(text), number >= 0 else { throw Failure("\(text) is not a number\n\(usage)") }
        return number
    }
}

/// What went wrong, in words.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// With the system's reason.
    static func system(_ operation: String) -> Failure { Failure("\(operation): \(String(cString: strerror(errno)))") }
}
