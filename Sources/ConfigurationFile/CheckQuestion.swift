/// What a `[[service.check]]` asks, by its key.
enum CheckQuestion: String, CaseIterable {
    case http, tcp, tls, udp, grpc, exec, systemd, file

    /// How it is asked.
    var example: String {
        switch self {
        case .http: "http = \"/healthz\""
        case .tcp, .tls, .udp: "\(rawValue) = true"
        case .grpc: "grpc = \"package.Service\""
        case .exec: "exec = [\"\(Self.exampleProgram)\"]"
        case .systemd: "systemd = \"nginx.service\""
        case .file: "file = \"\(Self.exampleFile)\""
        }
    }

    static let exampleProgram = "/usr/local/lib/rsagent/check"
    static let exampleFile = "/run/maint"

    /// Whether it goes to an address and a port: of the others only a program may have a use for them.
    var needsPort: Bool {
        switch self {
        case .http, .tcp, .tls, .udp, .grpc: true
        case .exec, .systemd, .file: false
        }
    }
}

extension CheckQuestion {
    /// Keys that say more about some questions, and mean nothing to others.
    struct Detail {
        let keys: [String]
        /// The questions they are about, for "is for … checks".
        let questions: [CheckQuestion]
        /// Those in words.
        let name: String
        /// What to write so that they mean something; nil: nothing would help.
        let remedy: String?
    }

    /// Every key that not all questions take.
    static let details = [
        Detail(
            keys: ["method", "host", "headers", "status", "body"], questions: [.http], name: "http checks",
            remedy: "ask with \(CheckQuestion.http.example)"),
        Detail(
            keys: tlsKeys, questions: [.http, .tls, .grpc], name: "checks over TLS",
            remedy: "ask with \(CheckQuestion.tls.example)"),
        Detail(
            keys: ["send", "expect"], questions: [.udp], name: "udp checks",
            remedy: "ask with \(CheckQuestion.udp.example)"),
        Detail(
            keys: ["exists"], questions: [.file], name: "file checks",
            remedy: "ask with \(CheckQuestion.file.example)"),
        Detail(
            keys: ["address", "port"], questions: [.http, .tcp, .tls, .udp, .grpc, .exec],
            name: "checks of the service itself", remedy: nil),
    ]

    private static let tlsKeys = ["server_name", "verify", "ca", "expiry_warning"]

    /// The one question that `table` asks. Nil: none, or several; reported.
    init?(_ table: Table) {
        // In the order of the file. Beside http and grpc, `tls` says how they are asked.
        let isTLSHow = table["http"] != nil || table["grpc"] != nil
        let asked = table.keys.compactMap(Self.init(rawValue:)).filter { $0 != .tls || !isTLSHow }
        guard let first = asked.first else {
            // A director asks fewer questions than an agent.
            let askable = Self.allCases.filter { table.schema.keys.contains($0.rawValue) }
            let all = askable.map(\.example).joined(separator: ", ")
            table.findings.report(table.node, "asks nothing", "write one of \(all)")
            return nil
        }
        if Set(asked) == [.tcp, .tls] {
            table.refuse("tcp", "is part of what tls = true asks", "remove it")
            return nil
        }
        for second in asked.dropFirst() {
            let cure = "keep one, and write a [[service.check]] of its own for the other"
            table.refuse(second.rawValue, "is a second question, besides \(first.rawValue)", cure)
        }
        guard asked.count == 1 else { return nil }
        self = first
    }

    /// Reports the keys of other questions. `isOverTLS`: nil: not known.
    func refuseForeignDetails(in table: Table, isOverTLS: Bool?) {
        for detail in Self.details where !detail.questions.contains(self) {
            let remedy = detail.remedy.map { ", or \($0)" } ?? ": \(rawValue) asks this host"
            for key in detail.keys {
                table.refuse(key, "is for \(detail.name)", "remove it\(remedy)")
            }
        }
        guard self == .http || self == .grpc, isOverTLS == false else { return }
        for key in Self.tlsKeys {
            table.refuse(key, "is for checks over TLS", "remove it, or write tls = true beside \(rawValue)")
        }
    }
}
