internal import NetworkAddress
internal import Testing

@testable internal import PacketFilter

/// Text as the address it must be.
func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

/// Text as the prefixes they must be.
func prefixes(_ texts: String...) throws -> [Prefix] { try texts.map { try #require(Prefix($0)) } }

@Suite("the guard table as a value and as a document")
struct GuardTableTests {
    /// Every part, both families.
    static func whole() throws -> GuardTable {
        GuardTable(
            entrances: [
                .ip(protocol: 4, local: try address("10.0.0.5")), .ip(protocol: 41, local: try address("2001:db8::5")),
                .udp(port: 6080, local: try address("10.0.0.5")), .udp(port: 6080, local: try address("2001:db8::5")),
            ],
            sources: try prefixes("172.16.0.0/16", "10.0.0.1/32", "2001:db8::1/128"), devices: ["tunl0", "rs-gre"],
            vips: [try address("192.0.2.10"), try address("2001:db8::10")],
            segmentSizes: [
                .init(vip: try address("192.0.2.10"), maximum: 1440),
                .init(vip: try address("2001:db8::10"), maximum: 1400),
            ])
    }

    @Test("the document is what it was when it was looked at, command by command")
    func golden() throws {
        let expected = Self.golden.split(separator: "\n").joined(separator: ",")
        #expect(try Self.whole().content.installation() == #"{"nftables":[\#(expected)]}"#)
    }

    @Test("a table of nothing has no set, no chain and no rule")
    func empty() throws {
        let table = GuardTable(
            sources: try prefixes("10.0.0.1/32"), vips: [try address("192.0.2.10")])
        #expect(table.isEmpty)
        #expect(table == GuardTable())
        #expect(table.content.definitions.count == 1)
        #expect(table.content.rules.isEmpty)
    }

    @Test("each part brings its own chain and nothing of the others")
    func parts() throws {
        let whole = try Self.whole()
        let outer = GuardTable(entrances: whole.entrances, sources: whole.sources)
        let inner = GuardTable(devices: whole.devices, vips: whole.vips)
        let segments = GuardTable(segmentSizes: whole.segmentSizes)
        #expect(Set(outer.content.rules.keys) == ["outer"])
        #expect(Set(inner.content.rules.keys) == ["inner"])
        #expect(Set(segments.content.rules.keys) == ["segments"])
        #expect(Set(outer.content.setNames) == ["sources4", "sources6"])
        #expect(Set(inner.content.setNames) == ["tunnels", "vips4", "vips6"])
        #expect(Set(segments.content.setNames) == ["mss1440_4", "mss1400_6"])
    }

    @Test("order, repetition and the way in which sources are cut up make no other table")
    func normal() throws {
        let whole = try Self.whole()
        let shuffled = GuardTable(
            entrances: whole.entrances.reversed() + whole.entrances,
            sources: try prefixes(
                "172.16.128.0/17", "2001:db8::1/128", "172.16.0.7/17", "10.0.0.1/32", "172.16.3.4/32"),
            devices: ["tunl0", "rs-gre", "tunl0"], vips: whole.vips.reversed(),
            segmentSizes: whole.segmentSizes.reversed() + [.init(vip: try address("192.0.2.10"), maximum: 1460)])
        #expect(shuffled == whole)
        #expect(shuffled.content == whole.content)
    }

    @Test("a thousand VIPs of one size are one rule for each family")
    func grouped() throws {
        let sizes = (0..<1000).map { number in
            GuardTable.SegmentSize(vip: .v4(IPv4Address(rawValue: 0xC612_0000 + number)), maximum: 1440)
        }
        #expect(GuardTable(segmentSizes: sizes).content.rules["segments"]?.count == 1)
    }

    static let golden = #"""
        {"add":{"table":{"family":"inet","name":"rsagent"}}}
        {"delete":{"table":{"family":"inet","name":"rsagent"}}}
        {"add":{"table":{"family":"inet","name":"rsagent"}}}
        {"add":{"counter":{"family":"inet","name":"outer_source","table":"rsagent"}}}
        {"add":{"set":{"elem":["10.0.0.1",{"prefix":{"addr":"172.16.0.0","len":16}}],"family":"inet","flags":["interval"],"name":"sources4","table":"rsagent","type":"ipv4_addr"}}}
        {"add":{"set":{"elem":["2001:db8::1"],"family":"inet","flags":["interval"],"name":"sources6","table":"rsagent","type":"ipv6_addr"}}}
        {"add":{"chain":{"family":"inet","hook":"prerouting","name":"outer","policy":"accept","prio":-300,"table":"rsagent","type":"filter"}}}
        {"add":{"rule":{"chain":"outer","expr":[{"match":{"left":{"payload":{"field":"daddr","protocol":"ip"}},"op":"==","right":"10.0.0.5"}},{"match":{"left":{"meta":{"key":"l4proto"}},"op":"==","right":4}},{"match":{"left":{"payload":{"field":"saddr","protocol":"ip"}},"op":"!=","right":"@sources4"}},{"counter":"outer_source"},{"drop":null}],"family":"inet","table":"rsagent"}}}
        {"add":{"rule":{"chain":"outer","expr":[{"match":{"left":{"payload":{"field":"daddr","protocol":"ip"}},"op":"==","right":"10.0.0.5"}},{"match":{"left":{"payload":{"field":"dport","protocol":"udp"}},"op":"==","right":6080}},{"match":{"left":{"payload":{"field":"saddr","protocol":"ip"}},"op":"!=","right":"@sources4"}},{"counter":"outer_source"},{"drop":null}],"family":"inet","table":"rsagent"}}}
        {"add":{"rule":{"chain":"outer","expr":[{"match":{"left":{"payload":{"field":"daddr","protocol":"ip6"}},"op":"==","right":"2001:db8::5"}},{"match":{"left":{"meta":{"key":"l4proto"}},"op":"==","right":41}},{"match":{"left":{"payload":{"field":"saddr","protocol":"ip6"}},"op":"!=","right":"@sources6"}},{"counter":"outer_source"},{"drop":null}],"family":"inet","table":"rsagent"}}}
        {"add":{"rule":{"chain":"outer","expr":[{"match":{"left":{"payload":{"field":"daddr","protocol":"ip6"}},"op":"==","right":"2001:db8::5"}},{"match":{"left":{"payload":{"field":"dport","protocol":"udp"}},"op":"==","right":6080}},{"match":{"left":{"payload":{"field":"saddr","protocol":"ip6"}},"op":"!=","right":"@sources6"}},{"counter":"outer_source"},{"drop":null}],"family":"inet","table":"rsagent"}}}
        {"add":{"rule":{"chain":"outer","expr":[{"match":{"left":{"meta":{"key":"l4proto"}},"op":"!=","right":255}},{"accept":null}],"family":"inet","table":"rsagent"}}}
        {"add":{"rule":{"chain":"outer","expr":[{"match":{"left":{"payload":{"field":"daddr","protocol":"ip6"}},"op":"==","right":"2001:db8::5"}},{"match":{"left":{"exthdr":{"name":"frag"}},"op":"==","right":true}},{"match":{"left":{"payload":{"field":"saddr","protocol":"ip6"}},"op":"!=","right":"@sources6"}},{"counter":"outer_source"},{"drop":null}],"family":"inet","table":"rsagent"}}}
        {"add":{"counter":{"family":"inet","name":"inner_destination","table":"rsagent"}}}
        {"add":{"set":{"elem":["rs-gre","tunl0"],"family":"inet","name":"tunnels","table":"rsagent","type":"ifname"}}}
        {"add":{"set":{"elem":["192.0.2.10"],"family":"inet","name":"vips4","table":"rsagent","type":"ipv4_addr"}}}
        {"add":{"set":{"elem":["2001:db8::10"],"family":"inet","name":"vips6","table":"rsagent","type":"ipv6_addr"}}}
        {"add":{"chain":{"family":"inet","hook":"prerouting","name":"inner","policy":"accept","prio":-300,"table":"rsagent","type":"filter"}}}
        {"add":{"rule":{"chain":"inner","expr":[{"match":{"left":{"meta":{"key":"iifname"}},"op":"==","right":"@tunnels"}},{"match":{"left":{"payload":{"field":"daddr","protocol":"ip"}},"op":"!=","right":"@vips4"}},{"counter":"inner_destination"},{"drop":null}],"family":"inet","table":"rsagent"}}}
        {"add":{"rule":{"chain":"inner","expr":[{"match":{"left":{"meta":{"key":"iifname"}},"op":"==","right":"@tunnels"}},{"match":{"left":{"payload":{"field":"daddr","protocol":"ip6"}},"op":"!=","right":"@vips6"}},{"counter":"inner_destination"},{"drop":null}],"family":"inet","table":"rsagent"}}}
        {"add":{"chain":{"family":"inet","hook":"output","name":"segments","policy":"accept","prio":-150,"table":"rsagent","type":"filter"}}}
        {"add":{"set":{"elem":["2001:db8::10"],"family":"inet","name":"mss1400_6","table":"rsagent","type":"ipv6_addr"}}}
        {"add":{"rule":{"chain":"segments","expr":[{"match":{"left":{"payload":{"field":"saddr","protocol":"ip6"}},"op":"==","right":"@mss1400_6"}},{"match":{"left":{"&":[{"payload":{"field":"flags","protocol":"tcp"}},"syn"]},"op":"==","right":"syn"}},{"match":{"left":{"tcp option":{"field":"size","name":"maxseg"}},"op":">","right":1400}},{"mangle":{"key":{"tcp option":{"field":"size","name":"maxseg"}},"value":1400}}],"family":"inet","table":"rsagent"}}}
        {"add":{"set":{"elem":["192.0.2.10"],"family":"inet","name":"mss1440_4","table":"rsagent","type":"ipv4_addr"}}}
        {"add":{"rule":{"chain":"segments","expr":[{"match":{"left":{"payload":{"field":"saddr","protocol":"ip"}},"op":"==","right":"@mss1440_4"}},{"match":{"left":{"&":[{"payload":{"field":"flags","protocol":"tcp"}},"syn"]},"op":"==","right":"syn"}},{"match":{"left":{"tcp option":{"field":"size","name":"maxseg"}},"op":">","right":1440}},{"mangle":{"key":{"tcp option":{"field":"size","name":"maxseg"}},"value":1440}}],"family":"inet","table":"rsagent"}}}
        """#
}
