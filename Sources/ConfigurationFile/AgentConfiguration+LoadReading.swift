extension AgentConfiguration.LoadRules {
    /// Reads `[service.load]`. `weight`: the service's; nil: wrong, and reported. `transport`: the service's.
    init(_ table: Table, weight: Int?, transport: TransportProtocol) {
        self.init(
            cpu: table.share("cpu", example: 0.8),
            cpuPressure: table.share("cpu_pressure", example: 0.2),
            memory: table.share("memory", example: 0.9),
            loadAverage: table.positive("load_average", upTo: Self.largestLoadAverage),
            connections: table.integer("connections", in: Self.connectionRange),
            command: Command(table))
        if transport == .udp {
            table.refuse("connections", "is for protocol = \"tcp\"", "remove it: UDP has no connections to count")
        }
        if let smoothing = table.duration("smoothing", in: .zero...(.seconds(600))) { self.smoothing = smoothing }
        if let step = table.integer("step", in: 1...50) { self.step = step }
        readBounds(table, weight: weight)
        if LoadRule.allCases.allSatisfy({ table[$0.rawValue] == nil }) {
            let names = LoadRule.allCases.map(\.rawValue)
            let cure = "write cpu = 0.8 or another of \(names.joined(separator: ", ")), or remove it"
            table.findings.report(table.node, "names nothing that the weight is to follow", cure)
        }
    }

    /// The smallest and the largest weight, which have to leave each other and the service's own room.
    private mutating func readBounds(_ table: Table, weight: Int?) {
        let floor = table.integer("min", in: 1...65535)
        ceiling = table.integer("max", in: 1...65535)
        if let floor { self.floor = floor }
        if weight == 0 {
            let cure = "remove it, or write a weight of 1 to 65535 in [[service]]"
            table.findings.report(table.node, "has nothing to take from: the service's weight is 0", cure)
            return
        }
        if let ceiling, let weight, ceiling > weight {
            let wrong = "\(ceiling) is more than the service's weight, \(weight), which load only ever lowers"
            table.refuse("max", wrong, "write weight = \(ceiling) in [[service]], or max = \(weight) or less")
        }
        guard let floor else { return }
        if let ceiling, floor > ceiling {
            table.refuse(
                "min", "\(floor) is more than max, \(ceiling)", "write min = \(ceiling) or less, or a larger max")
        } else if ceiling == nil, table["max"] == nil, let weight, floor > weight {
            let cure = "write min = \(weight) or less, or a larger weight"
            table.refuse("min", "\(floor) is more than the service's weight, \(weight)", cure)
        }
    }

    /// Far above what any host has: a slip of the keyboard is found.
    private static let connectionRange = 1...100_000_000
    private static let largestLoadAverage = 1_000.0
}

extension AgentConfiguration.LoadRules.Command {
    /// Reads `command` and `command_full`, which need each other. Nil: not there, or wrong and reported.
    fileprivate init?(_ table: Table) {
        let example = "/usr/local/lib/rsagent/load"
        let arguments = table.command("command", example: example)
        let full = table.positive("command_full", upTo: 1e12)
        if table["command"] == nil {
            table.refuse("command_full", "is for command", "remove it, or write command = [\(quoted(example))]")
        } else if table["command_full"] == nil {
            let cure = "write the figure up to which the full weight is reported, such as command_full = 100"
            table.reportMissing("command_full", cure)
        }
        guard let arguments, let full else { return nil }
        self.init(arguments, full: full)
    }
}
