import Lab
import NetworkAddress
import Testing

@testable import RealServerSetup

/// What rsagent does to a host, judged by the kernel read back and by the wire, in a namespace of its own.
///
///     peer0 ═══ eth0 (10.0.0.11/24, the RIP)   lo (the VIP)
///     peer1 ═══ eth1 (10.0.1.11/24)
@Suite("RealServerSetup, against the kernel in a namespace of its own", .enabled(if: FreshNamespace.isAvailable))
struct KernelTests {
    static let vip = IPv4Address(192, 0, 2, 10)
    static let rip = IPv4Address(10, 0, 0, 11)
    static let stranger = IPv4Address(10, 0, 0, 99)

    static func host(_ commands: [String] = []) throws {
        // Without IPv6, whose link-local addresses settle in their own time, the host's text stands still.
        for scope in ["all", "default"] { try Sysctl.set("net.ipv6.conf.\(scope).disable_ipv6=1") }
        try Command.require("ip link set lo up")
        try nic(0)
        for command in commands { try perform(command) }
    }

    /// Runs a line of a row: a command, `sysctl NAME=VALUE`, `nic NUMBER`, or `at rest`, which waits until devices made there say that they
    /// are up.
    static func perform(_ line: String) throws {
        if line.hasPrefix("sysctl ") {
            try Sysctl.set(line.dropFirst(7))
        } else if line.hasPrefix("nic "), let number = Int(line.dropFirst(4)) {
            try nic(number)
        } else if line == "at rest" {
            try SetupHost.settle()
        } else {
            try Command.require(line)
        }
    }

    static func nic(_ number: Int) throws {
        try Command.require("ip link add eth\(number) type veth peer name peer\(number)")
        try Command.require("ip link set eth\(number) up")
        try Command.require("ip link set peer\(number) up")
        // The far end of the wire is in the same namespace: it must stay silent itself.
        try Command.require("ip link set peer\(number) arp off")
        try Command.require("ip addr add 10.0.\(number).11/24 dev eth\(number)")
    }

    static func leaks(on number: Int = 0) throws -> Bool {
        let rip = IPv4Address(10, 0, UInt8(number), 11)
        let stranger = IPv4Address(10, 0, UInt8(number), 99)
        let wire = try ARPWire(interface: "peer\(number)")
        return try wire.answers(for: [vip], then: rip, sender: stranger)[vip] != nil
    }

    static func setup(_ scratch: ScratchDirectory, host: any Host = KernelHost()) -> RealServerSetup {
        RealServerSetup(
            SetupRequest(directRoutingVIPs: [vip]), runDirectory: "\(scratch.path)/run", host: host)
    }

    /// The host must read as it did before.
    static func expect(_ before: String, _ scratch: ScratchDirectory, _ location: SourceLocation = #_sourceLocation)
        throws
    {
        let difference = HostText.difference(before, try HostText.read(filesBelow: scratch.path))
        #expect(difference.isEmpty, "\(difference)", sourceLocation: location)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var commands: [String]
        var leaks: Bool
        /// The wire that is asked.
        var wire = 0
        /// What the plan must name; nil: the interface.
        var cause: String?
        /// Whether the plan finds nothing to do: only where every interface hides the VIP by itself and it is in place.
        var isFit = false
    }

    static let onLo = "ip addr add 192.0.2.10/32 dev lo"

    /// What answers for a VIP and what does not: measured, and checked here again.
    static let rows = [
        Row(testDescription: "nothing set", commands: [onLo], leaks: true),
        Row(
            testDescription: "lo.arp_ignore=1 only", commands: [onLo, "sysctl net.ipv4.conf.lo.arp_ignore=1"],
            leaks: true),
        Row(
            testDescription: "eth0=1 only", commands: [onLo, "sysctl net.ipv4.conf.eth0.arp_ignore=1"], leaks: false
        ),
        Row(
            testDescription: "all=1 only", commands: [onLo, "sysctl net.ipv4.conf.all.arp_ignore=1"], leaks: false),
        Row(
            testDescription: "all=1 with eth0=3",
            commands: [
                onLo, "sysctl net.ipv4.conf.all.arp_ignore=1", "sysctl net.ipv4.conf.eth0.arp_ignore=3",
            ], leaks: true),
        Row(
            testDescription: "all=3", commands: [onLo, "sysctl net.ipv4.conf.all.arp_ignore=3"], leaks: true,
            cause: "net.ipv4.conf.all.arp_ignore is 3"),
        Row(
            testDescription: "all=1 with eth0=3, the VIP of scope host",
            commands: [
                "\(onLo) scope host", "sysctl net.ipv4.conf.all.arp_ignore=1",
                "sysctl net.ipv4.conf.eth0.arp_ignore=3",
            ], leaks: false),
        Row(
            testDescription: "VIP on a NOARP device, that device's arp_ignore=1",
            commands: [
                "ip link add quiet0 type veth peer name quiet1", "ip link set quiet0 arp off up",
                "ip link set quiet1 arp off up",
                "ip addr add 192.0.2.10/32 dev quiet0", "sysctl net.ipv4.conf.quiet0.arp_ignore=1", "at rest",
            ], leaks: true),
        Row(
            testDescription: "only eth0 protected, then another NIC appears",
            commands: [
                onLo, "sysctl net.ipv4.conf.eth0.arp_ignore=1", "sysctl net.ipv4.conf.eth0.arp_announce=2",
                "nic 1",
                "sysctl net.ipv4.conf.default.arp_ignore=1",
            ], leaks: true, wire: 1),
        Row(
            testDescription: "arp_ignore 0 and an nft table arp that drops",
            commands: [
                onLo, "nft add table arp wall", "nft add chain arp wall input {type filter hook input priority 0;}",
                "nft add rule arp wall input arp daddr ip 192.0.2.10 drop",
            ], leaks: false),
        Row(
            testDescription: "set by hand as it should be",
            commands: [
                onLo, "sysctl net.ipv4.conf.eth0.arp_ignore=1", "sysctl net.ipv4.conf.eth0.arp_announce=2",
                "sysctl net.ipv4.conf.peer0.arp_ignore=1", "sysctl net.ipv4.conf.peer0.arp_announce=2",
            ], leaks: false, isFit: true),
    ]

    @Test("the ARP table: who leaks is detected, mended by apply, and as it was after teardown", arguments: rows)
    func table(row: Row) throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            for command in row.commands {
                try Self.perform(command)
            }
            let before = try HostText.read(filesBelow: scratch.path)
            #expect(try Self.leaks(on: row.wire) == row.leaks, "the wire before")
            let setup = Self.setup(scratch)
            let plan = try setup.plan()
            #expect(plan.refusals.isEmpty)
            #expect(plan.isEmpty == row.isFit)
            let cause = row.cause ?? "eth\(row.wire) would answer who-has"
            if row.leaks { #expect(plan.steps.contains { $0.reason.contains(cause) }, "\(plan.steps)") }
            try setup.apply()
            #expect(try !Self.leaks(on: row.wire), "the wire after apply")
            #expect(try setup.plan().isEmpty)
            _ = try setup.teardown()
            try Self.expect(before, scratch)
            #expect(try Self.leaks(on: row.wire) == row.leaks, "the wire after teardown")
        }
    }

    @Test("a who-has that the host sends from the VIP carries the VIP before apply, and another address after")
    func announce() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host([Self.onLo, "sysctl net.ipv4.conf.eth0.arp_ignore=1"])
            let wire = try ARPWire(interface: "peer0")
            let ask = { (target: IPv4Address) in
                try Datagram.send(from: Self.vip, to: target)
                return try wire.nextQuestion(for: target).sender
            }
            #expect(try ask(IPv4Address(10, 0, 0, 71)) == Self.vip, "announced before")
            try Self.setup(scratch).apply()
            #expect(try ask(IPv4Address(10, 0, 0, 72)) == Self.rip)
        }
    }

    @Test(
        "apply on a fresh host puts the labelled VIP on lo, a second apply changes nothing, teardown gives the host back"
    )
    func applyTwice() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let before = try HostText.read(filesBelow: scratch.path)
            let setup = Self.setup(scratch)
            #expect(try setup.apply().count == 3)
            #expect(try Command.require("ip addr show dev lo").output.contains("192.0.2.10/32 scope global lo:rsagent"))
            let after = try HostText.read(filesBelow: scratch.path)
            #expect(try setup.apply().isEmpty)
            #expect(try HostText.read(filesBelow: scratch.path) == after)
            #expect(try setup.teardown().changes.count == 3)
            try Self.expect(before, scratch)
            #expect(try setup.teardown().changes.isEmpty, "nothing to undo is not an error")
        }
    }

    @Test("a refusal touches nothing, and leaves no file")
    func refusal() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host(["ip addr add 192.0.2.10/32 dev eth0"])
            let before = try HostText.read(filesBelow: scratch.path)
            let error = #expect(throws: SetupError.self) { try Self.setup(scratch).apply() }
            #expect(error?.description.contains("ip addr del 192.0.2.10/32 dev eth0") == true)
            try Self.expect(before, scratch)
        }
    }

    @Test("whichever change fails, those before it are undone and no file is left", arguments: 0..<3)
    func failingChange(number: Int) throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let before = try HostText.read(filesBelow: scratch.path)
            let error = #expect(throws: SetupError.self) {
                try Self.setup(scratch, host: FaultyHost(failing: number)).apply()
            }
            #expect(error?.description.contains("All changes of this run were undone") == true)
            try Self.expect(before, scratch)
        }
    }

    @Test("a change that the kernel accepts and does not make is noticed by reading back")
    func ignoredChange() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let before = try HostText.read(filesBelow: scratch.path)
            let error = #expect(throws: SetupError.self) {
                try Self.setup(scratch, host: FaultyHost(ignoring: 2)).apply()
            }
            #expect(error?.description.contains("not in force") == true)
            try Self.expect(before, scratch)
        }
    }

    @Test(
        "a process that dies at any change leaves what teardown, or apply and then teardown, put right",
        arguments: 0..<3)
    func death(number: Int) throws {
        for carriesOn in [false, true] {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                try Self.host(["sysctl net.ipv4.conf.eth0.arp_ignore=3"])
                let before = try HostText.read(filesBelow: scratch.path)
                _ = try? Self.setup(scratch, host: FaultyHost(dyingAt: number)).apply()
                let setup = Self.setup(scratch)
                if carriesOn {
                    try setup.apply()
                    #expect(try !Self.leaks())
                }
                _ = try setup.teardown()
                try Self.expect(before, scratch)
            }
        }
    }

    @Test("what someone else changed since is left as they set it, and said")
    func changedSince() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let setup = Self.setup(scratch)
            try setup.apply()
            try Sysctl.set("net.ipv4.conf.eth0.arp_ignore=2")
            let teardown = try setup.teardown()
            #expect(teardown.left.count == 1 && teardown.left.first?.contains("eth0.arp_ignore is 2") == true)
            #expect(try Sysctl.value("net.ipv4.conf.eth0.arp_ignore") == "2")
            #expect(try Sysctl.value("net.ipv4.conf.eth0.arp_announce") == "0")
        }
    }

    @Test("drift is repaired without the journal growing, and the first original value is what comes back")
    func drift() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host(["sysctl net.ipv4.conf.eth0.arp_ignore=3"])
            let before = try HostText.read(filesBelow: scratch.path)
            let setup = Self.setup(scratch)
            try setup.apply()
            let journal = try Command.require("cat \(scratch.path)/run/journal").output
            for value in 0..<20 {
                try Sysctl.set("net.ipv4.conf.eth0.arp_ignore=\(value % 2 == 0 ? 0 : 4)")
                try Command.require("ip addr del 192.0.2.10/32 dev lo")
                #expect(try setup.apply().count == 2)
                #expect(try !Self.leaks())
            }
            #expect(try Command.require("cat \(scratch.path)/run/journal").output == journal)
            _ = try setup.teardown()
            try Self.expect(before, scratch)
        }
    }

    @Test("an interface that is gone at teardown, or was renamed, is not in the way")
    func vanishedInterface() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            try Self.nic(1)
            try Self.setup(scratch).apply()
            try Command.require("ip link del eth1")
            try Command.require("ip link set eth0 down")
            try Command.require("ip link set eth0 name uplink.7")
            _ = try Self.setup(scratch).teardown()
            #expect(try Sysctl.value("net/ipv4/conf/uplink.7/arp_ignore") == "0")
            #expect(try Command.require("find \(scratch.path) -mindepth 1").output == "")
        }
    }

    @Test("a run directory that was there before stays; one that rsagent made goes")
    func runDirectory() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            try Command.require("mkdir \(scratch.path)/run")
            let before = try HostText.read(filesBelow: scratch.path)
            try Self.setup(scratch).apply()
            _ = try Self.setup(scratch).teardown()
            try Self.expect(before, scratch)
        }
    }

    @Test("two at work in one run directory: the second is refused")
    func locked() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let holder = try RunDirectory.making("\(scratch.path)/run")
            let error = #expect(throws: SetupError.self) { try Self.setup(scratch).apply() }
            #expect(error?.description.contains("another rsagent works in") == true)
            _ = holder
        }
    }

    @Test("one rsagent per network namespace: the second is told the pid of the first, the next namespace is free")
    func namespaceClaim() throws {
        try FreshNamespace.run {
            let first = try NamespaceClaim()
            let error = #expect(throws: SetupError.self) { _ = try NamespaceClaim() }
            #expect(error?.description.contains("(pid \(Command.ownPID))") == true)
            try FreshNamespace.run { _ = try NamespaceClaim() }
            _ = first
        }
        try FreshNamespace.run {
            do { _ = try NamespaceClaim() }
            _ = try NamespaceClaim()
        }
    }

    @Test("a journal of another namespace that still exists: apply and teardown say where to go, and change nothing")
    func otherLivingNamespace() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            try Self.setup(scratch).apply()
            let resident = try LabProcess(["sleep", "600"], log: "\(scratch.path)/log")
            let before = try HostText.read(filesBelow: scratch.path)
            defer { resident.signal(9) }
            try FreshNamespace.run {
                try Self.host()
                for attempt in [{ _ = try Self.setup(scratch).apply() }, { _ = try Self.setup(scratch).teardown() }] {
                    let error = #expect(throws: SetupError.self) { try attempt() }
                    #expect(error?.description.contains("another network namespace") == true)
                }
            }
            try Self.expect(before, scratch)
            _ = try Self.setup(scratch).teardown()
        }
    }

    @Test("what one VIP is refused for does not keep the others from being hidden")
    func repairBesideRefusal() throws {
        let scratch = try ScratchDirectory()
        let other = IPv4Address(192, 0, 2, 20)
        try FreshNamespace.run {
            try Self.host()
            let setup = RealServerSetup(
                SetupRequest(directRoutingVIPs: [Self.vip, other]), runDirectory: "\(scratch.path)/run",
                host: KernelHost())
            let directory = try RunDirectory.making("\(scratch.path)/run")
            _ = try setup.apply(in: directory)
            try Command.require("ip addr add 192.0.2.10/32 dev eth0")
            try Sysctl.set("net.ipv4.conf.eth0.arp_ignore=0")
            try Self.nic(1)
            var record = Record(try directory.beginJournal())
            let repair = try setup.repair(&record, in: directory)
            #expect(repair.failures.isEmpty && repair.plan.steps.isEmpty)
            #expect(
                repair.plan.problems(for: "192.0.2.10").count == 1 && repair.plan.problems(for: "192.0.2.20").isEmpty)
            for number in 0...1 {
                let wire = try ARPWire(interface: "peer\(number)")
                let answers = try wire.answers(
                    for: [other], then: IPv4Address(10, 0, UInt8(number), 11),
                    sender: IPv4Address(10, 0, UInt8(number), 99))
                #expect(answers.isEmpty)
            }
        }
    }

    @Test("a run directory that was taken away: a new interface is hidden even so, and what is remembered is put back")
    func lostDirectory() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let before = try HostText.read(filesBelow: scratch.path)
            let setup = Self.setup(scratch)
            let directory = try RunDirectory.making("\(scratch.path)/run")
            _ = try setup.apply(in: directory)
            var record = Record(try directory.beginJournal())
            try Command.require("rm -r \(scratch.path)/run")
            try Self.nic(1)
            try Command.require("ip addr del 192.0.2.10/32 dev lo")
            let repair = try setup.repair(&record, in: directory)
            #expect(repair.plan.steps.isEmpty && record.isBehind)
            #expect(repair.failures.first?.contains("cannot be put on record") == true)
            #expect(try !Self.leaks(on: 1))
            try Command.require("ip link del eth1")
            _ = try setup.teardown(in: directory, remembering: record)
            try Self.expect(before, scratch)
        }
    }

    @Test("an interface that goes between the look and the change is no failure")
    func vanishingInterface() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            try Self.nic(1)
            try Self.setup(scratch, host: FaultyHost(removing: "eth1")).apply()
            #expect(try !Self.leaks())
        }
    }

    @Test("a journal of another namespace: apply sets it aside, teardown says where to go")
    func otherNamespace() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            try Self.setup(scratch).apply()
        }
        try FreshNamespace.run {
            try Self.host()
            let error = #expect(throws: SetupError.self) { try Self.setup(scratch).teardown() }
            #expect(error?.description.contains("another network namespace") == true)
            try Self.setup(scratch).apply()
            _ = try Self.setup(scratch).teardown()
            #expect(try Command.require("find \(scratch.path)/run -type f -printf %f").output == "journal.stale")
        }
    }
}

/// The kernel, with one fault.
private final class FaultyHost: Host, @unchecked Sendable {
    private let kernel = KernelHost()
    private var performed = 0
    private let failing: Int?
    private let ignoring: Int?
    private let dyingAt: Int?
    private let removing: String?

    /// - Parameters:
    ///   - failing: the number of the change that is refused.
    ///   - ignoring: the number of the change from which on added addresses are accepted and not added.
    ///   - removing: the interface that vanishes right before the first change.
    ///   - dyingAt: the number of the change at which the process dies: nothing reaches the kernel from then on.
    init(failing: Int? = nil, ignoring: Int? = nil, dyingAt: Int? = nil, removing: String? = nil) {
        self.removing = removing
        self.failing = failing
        self.ignoring = ignoring
        self.dyingAt = dyingAt
    }

    private var isDead: Bool { dyingAt.map { performed >= $0 } ?? false }

    func snapshot(for request: SetupRequest) throws(SetupError) -> HostSnapshot {
        if isDead { throw .missingCapability("life") }
        return try kernel.snapshot(for: request)
    }

    func pulse(for request: SetupRequest) throws(SetupError) -> HostPulse { try kernel.pulse(for: request) }

    func perform(_ change: Change) throws(SetupError) {
        if isDead { throw .missingCapability("life") }
        performed += 1
        if performed == 1, let removing { _ = try? Command.require("ip link del \(removing)") }
        if performed - 1 == failing { throw .missingCapability("luck") }
        if let ignoring, performed > ignoring, case .add(.address) = change { return }
        try kernel.perform(change)
    }
}
