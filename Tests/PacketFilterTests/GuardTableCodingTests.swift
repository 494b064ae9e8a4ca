internal import FoundationEssentials
internal import NetworkAddress
internal import Testing

internal import PacketFilter

@Suite("the tables in a file")
struct GuardTableCodingTests {
    @Test("a table is the same after it was written and read")
    func roundTrip() throws {
        let table = try GuardTableTests.whole()
        #expect(try JSONDecoder().decode(GuardTable.self, from: try JSONEncoder().encode(table)) == table)
        let wall = ARPWall(vips: [IPv4Address(192, 0, 2, 11), IPv4Address(192, 0, 2, 10)])
        #expect(try JSONDecoder().decode(ARPWall.self, from: try JSONEncoder().encode(wall)) == wall)
    }

    @Test("what was written by hand is put in order")
    func normal() throws {
        let text = #"{"devices":["b","a","b"],"vips":["192.0.2.11","192.0.2.10"]}"#
        let table = try JSONDecoder().decode(GuardTable.self, from: Data(text.utf8))
        #expect(
            table == GuardTable(devices: ["a", "b"], vips: [try address("192.0.2.10"), try address("192.0.2.11")]))
        #expect(table.devices == ["a", "b"])
    }
}
