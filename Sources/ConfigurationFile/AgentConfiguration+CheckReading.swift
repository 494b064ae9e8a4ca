internal import NetworkAddress

extension AgentConfiguration.Check {
    /// Reads one `[[service.check]]`. `hasPort`: whether the service has a port to be asked on, and not all of them. Nil:
    /// something essential is wrong, and reported.
    init?(_ table: Table, hasPort: Bool) {
        let question = CheckQuestion(table)
        let kind = question.flatMap { Kind($0, table) }
        var (address, port): (IPAddress?, UInt16?) = (nil, nil)
        // Where it is asked, if it is asked of the service: else the two are refused.
        if question == nil || question?.needsPort == true || question == .exec {
            address =
                table.hostAddress(
                    "address", families: [.v4, .v6, .loopback, .linkLocal], called: "a service", example: "10.0.0.11"
                )?.address
            port = table.port("port")
        }
        if !hasPort, question?.needsPort == true, table["port"] == nil {
            table.reportMissing("port", "the service takes all ports: write which one to check, such as port = 80")
        }
        let times = Times(table)
        let rise = table.integer("rise", in: Table.streak)
        let fall = table.integer("fall", in: Table.streak)
        guard let kind else { return nil }
        self.init(
            kind, address: address, port: port, interval: times.interval, fastInterval: times.fastInterval,
            timeout: times.timeout)
        if let rise { self.rise = rise }
        if let fall { self.fall = fall }
    }

    /// How often it is asked, and how long an answer may take.
    private struct Times {
        var interval = Duration.seconds(1)
        var fastInterval: Duration?
        var timeout = Duration.milliseconds(500)

        /// Reads the three, and reports what is longer than the interval.
        init(_ table: Table) {
            let intervals = Duration.milliseconds(100)...(.seconds(3600))
            let interval = table.duration("interval", in: intervals)
            let timeout = table.duration("timeout", in: .milliseconds(10)...(.seconds(3600)))
            fastInterval = table.duration("fast_interval", in: intervals)
            if let interval { self.interval = interval }
            if let timeout { self.timeout = timeout }
            // Of an interval that is wrong nobody knows what is longer.
            guard interval != nil || table["interval"] == nil else { return }
            let longest = DurationText.text(for: self.interval)
            let isTimeoutKnown = timeout != nil || table["timeout"] == nil
            if isTimeoutKnown, self.timeout > self.interval, let node = table["timeout"] ?? table["interval"] {
                let wrong =
                    "the timeout, \(DurationText.text(for: self.timeout)), is longer than the interval, \(longest)"
                table.findings.report(node, wrong, "write timeout = \(quoted(longest)) or less, or a longer interval")
            }
            if let fastInterval, fastInterval > self.interval {
                let wrong = "\(DurationText.text(for: fastInterval)) is longer than the interval, \(longest)"
                table.refuse(
                    "fast_interval", wrong, "write fast_interval = \(quoted(longest)) or less, or a longer interval")
            }
        }
    }
}

extension AgentConfiguration.Check.Kind {
    /// Reads `question` and what goes with it. Nil: wrong, and reported.
    fileprivate init?(_ question: CheckQuestion, _ table: Table) {
        let isOverTLS = table["tls"] == nil ? false : table.flag("tls")
        question.refuseForeignDetails(in: table, isOverTLS: isOverTLS)
        let tls = isOverTLS == true ? AgentConfiguration.Check.TLS(table) : nil
        switch question {
        case .http:
            guard let http = AgentConfiguration.Check.HTTP(table, tls) else { return nil }
            self = .http(http)
        case .tcp:
            guard table.isAsked("tcp") else { return nil }
            self = .tcp
        case .tls:
            guard table.isAsked("tls", isOverTLS), let tls else { return nil }
            self = .tls(tls)
        case .udp:
            let send = table.payload("send", example: "ping", room: 0...1024)
            let expect = table.payload("expect", example: "pong", room: 1...1024)
            guard table.isAsked("udp") else { return nil }
            self = .udp(send: send ?? "", expect: expect)
        case .grpc:
            guard let service = table.grpcService("grpc") else { return nil }
            self = .grpc(service: service, tls: tls)
        case .exec:
            guard let command = table.command("exec", example: CheckQuestion.exampleProgram) else { return nil }
            self = .exec(command)
        case .systemd:
            guard let unit = table.unitName("systemd") else { return nil }
            self = .systemd(unit: unit)
        case .file:
            let path = table.filePath("file", example: CheckQuestion.exampleFile)
            if table["exists"] == nil {
                let cure = "write exists = true if the file must be there, exists = false if it must not be there"
                table.reportMissing("exists", cure)
            }
            guard let exists = table.flag("exists"), let path else { return nil }
            self = .file(path: path, exists: exists)
        }
    }
}

extension AgentConfiguration.Check.HTTP {
    /// Reads the request and which answer is good. Nil: the path is wrong, and reported.
    fileprivate init?(_ table: Table, _ tls: AgentConfiguration.Check.TLS?) {
        let path = table.requestPath("http")
        let method = table.requestMethod("method")
        let host = table.requestHost("host")
        let headers = table.requestHeaders("headers")
        let status = table.statusCodes("status")
        let body = table.payload("body", example: "ok", room: 1...1024)
        if method == "HEAD" {
            table.refuse("body", "is never there with method = \"HEAD\"", "remove one of the two")
        }
        guard let path else { return nil }
        self.init(path, host: host, headers: headers, body: body, tls: tls)
        if let method { self.method = method }
        if let status { self.status = status }
    }
}

extension AgentConfiguration.Check.TLS {
    /// Reads how TLS is spoken.
    fileprivate init(_ table: Table) {
        let verify = table.flag("verify")
        self.init(
            serverName: table.serverName("server_name"), isVerified: verify ?? false,
            authority: table.filePath("ca", example: "/etc/ssl/certs/our-ca.pem"))
        if let warning = table.duration("expiry_warning", in: .zero...(.seconds(365 * 86_400))) {
            expiryWarning = warning
        }
        // A `verify` that is wrong may have been meant to be true.
        if !isVerified, verify != nil || table["verify"] == nil {
            table.refuse("ca", "is for checks that verify the certificate", "remove it, or write verify = true")
        }
    }
}

extension Table {
    /// How many answers in a row change a verdict.
    static let streak = 1...1000

    /// Whether the question `key`, which is `true` where it is asked, is asked; reported if not.
    fileprivate func isAsked(_ key: String) -> Bool { isAsked(key, flag(key)) }

    /// The same of a flag that has been read.
    fileprivate func isAsked(_ key: String, _ flag: Bool?) -> Bool {
        if flag == false { refuse(key, "asks nothing", "write \(key) = true, or remove the check") }
        return flag ?? false
    }

    /// A name for TLS's server name indication, which takes no address (RFC 6066 §3).
    fileprivate func serverName(_ key: String) -> String? {
        let example = "www.example.com"
        guard let (node, name) = text(key, example: example) else { return nil }
        guard HostName.isValid(name) else {
            let cure =
                IPAddress(name) == nil
                ? "write a name such as \(quoted(example))"
                : "write the name in the certificate, such as \(quoted(example))"
            findings.report(node, "\(quoted(name)) is not the name of a host", cure)
            return nil
        }
        return name
    }
}
