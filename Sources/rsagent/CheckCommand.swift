import ArgumentParser
import Glibc
import HealthReporter

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "One answer about a service, as a director's own health check wants it, within a second.",
        discussion: """
            Exit status with --keepalived (MISC_CHECK with misc_dynamic): 1 failed, 2 drained, 3 to 255 sound with a weight of \
            1 to 253. With --ldirectord (checktype = external): 0 up, 1 not. Whatever else goes wrong is 1 too.

            With --ldirectord and VIP VPORT RIP RPORT the agent on RIP is asked, over https where --https, --ca, --certificate \
            or --key is given, else over http.
            """)

    @Argument(help: "The service.")
    var service: String

    @Flag(help: "Answer keepalived.")
    var keepalived = false

    @Flag(help: "Answer ldirectord.")
    var ldirectord = false

    @Option(
        help: ArgumentHelp(
            "The agent to ask, http://ADDRESS:PORT or https://…, where it is not on this host.", valueName: "url"))
    var agent: String?

    @Flag(help: "Ask the agent on RIP over https.")
    var https = false

    @Option(help: ArgumentHelp("A file whose first line is the token the agent asks for.", valueName: "file"))
    var tokenFile: String?

    @Option(help: ArgumentHelp("The authority that signed the agent's certificate.", valueName: "file"))
    var ca: String?

    @Option(help: ArgumentHelp("The certificate to show to the agent.", valueName: "file"))
    var certificate: String?

    @Option(help: ArgumentHelp("The private key of that certificate.", valueName: "file"))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "How long it may take: 100ms to 60s, less than the director's own limit (misc_timeout).", valueName: "time")
    )
    var timeout = TimeArgument(duration: DirectorCheck.limit)

    @OptionGroup var control: ControlOptions

    @Argument(help: "What ldirectord adds: VIP VPORT RIP RPORT. Without --agent the one on RIP is asked, port 9380.")
    var place: [String] = []

    func validate() throws {
        guard (.milliseconds(100)...(.seconds(60))).contains(timeout.duration) else {
            throw ValidationError("--timeout is from 100ms to 60s")
        }
        guard keepalived != ldirectord else { throw ValidationError("say one of --keepalived and --ldirectord") }
        guard place.isEmpty || ldirectord && place.count == 4 else {
            throw ValidationError("after the service come VIP VPORT RIP RPORT, with --ldirectord only")
        }
        guard place.isEmpty || agent != nil || agentOnPlace != nil else {
            throw ValidationError("\(place[2]) is no address: VIP VPORT RIP RPORT are what ldirectord adds")
        }
        guard !https || agent == nil && !place.isEmpty else {
            throw ValidationError("--https is for the agent on RIP; name another as --agent https://ADDRESS:PORT")
        }
        guard agent != nil || !place.isEmpty || [tokenFile, ca, certificate, key].allSatisfy({ $0 == nil }) else {
            throw ValidationError("--token-file, --ca, --certificate and --key are for an --agent on another host")
        }
    }

    func run() async throws {
        if timeout.duration > DirectorCheck.limit { Self.limitTime(to: timeout.duration + .milliseconds(100)) }
        let check: DirectorCheck = keepalived ? .keepalived : .ldirectord
        let answer: Report.Service
        do {
            answer = try await ask()
        } catch {
            complain("\(error)")
            throw ExitCode(DirectorCheck.failure)
        }
        print("\(answer.name): \(answer.state.rawValue), weight \(answer.weight)/\(answer.baseWeight) \(answer.reason)")
        throw ExitCode(check.exitStatus(for: answer))
    }

    /// The agent on the RIP that ldirectord adds; nil where it adds none.
    private var agentOnPlace: String? {
        guard place.count == 4 else { return nil }
        let isOverTLS = https || [ca, certificate, key].contains { $0 != nil }
        return DirectorCheck.agentURL(on: place[2], isOverTLS: isOverTLS)
    }

    private func ask() async throws -> Report.Service {
        guard let url = agent ?? agentOnPlace else { return try await control.client().service(service) }
        let tls = AgentClient.TLS(authority: ca, certificate: certificate, key: key)
        return try await AgentClient(url: url, tokenFile: tokenFile, tls: tls)
            .service(service, within: timeout.duration)
    }

    /// Ends the process with a failure when its time is up, whatever it is waiting for: a file on a server that is gone, a name
    /// that is looked up. Until the command line is understood that is nearly a second.
    static func limitTime(to limit: Duration = .milliseconds(900)) {
        signal(SIGALRM) { _ in
            let line = StaticString("rsagent check: no answer in time\n")
            _ = write(2, line.utf8Start, line.utf8CodeUnitCount)
            _exit(DirectorCheck.failure)
        }
        var timer = itimerval()
        let (seconds, attoseconds) = limit.components
        timer.it_value.tv_sec = Int(seconds)
        timer.it_value.tv_usec = Int(attoseconds / 1_000_000_000_000)
        _ = setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
    }
}
