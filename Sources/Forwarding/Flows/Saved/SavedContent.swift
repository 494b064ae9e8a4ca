import NetworkAddress

/// Saved flows, read and found to be sound, before anything is done with them. Where one thing refers to another, that is there.
struct SavedContent {
    struct Template {
        var key: TemplateKey
        /// Which of ``SavedContent/servers``.
        var server: Int
        /// For how many milliseconds more it held.
        var left: UInt64
    }

    struct SavedFlow {
        var client: IPv6Address
        var vip: IPv6Address
        var clientPort: UInt16
        var port: UInt16
        var transport: UInt8
        var state: FlowState
        var isAnswered: Bool
        /// Which of ``SavedContent/servers``, ``SavedContent/stations`` and ``SavedContent/templates``; nil: none.
        var server: Int
        var station: Int?
        var template: Int?
        /// For how many milliseconds more it was remembered.
        var left: UInt64
    }

    private(set) var moment: BootMoment
    private(set) var interfaces: [String] = []
    private(set) var servers: [Server.Identity] = []
    private(set) var stations: [LinkStation] = []
    private(set) var templates: [Template] = []
    private(set) var flows4: [SavedFlow] = []
    private(set) var flows6: [SavedFlow] = []

    init(_ bytes: UnsafeRawBufferPointer) throws(SavedFlowsError) {
        guard bytes.count >= SavedFlows.prefixLength + SavedFlows.checksumLength,
            bytes.prefix(SavedFlows.magic.count).elementsEqual(SavedFlows.magic)
        else { throw .damaged }
        let end = bytes.count - SavedFlows.checksumLength
        var reader = SaveReader(UnsafeRawBufferPointer(rebasing: bytes[SavedFlows.magic.count..<end]))
        // The version first: in another one the checksum may be elsewhere.
        let version = try reader.number(UInt32.self)
        guard version == SavedFlows.version else { throw .otherVersion(version) }
        var trailer = SaveReader(UnsafeRawBufferPointer(rebasing: bytes[end...]))
        let checksum = SavedFlows.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        guard try trailer.number(UInt64.self) == checksum else { throw .damaged }

        moment = BootMoment(boot: try reader.text(), milliseconds: try reader.number(UInt64.self))
        try reader.list { (reader) throws(SavedFlowsError) in interfaces.append(try reader.text()) }
        try reader.list { (reader) throws(SavedFlowsError) in servers.append(try reader.identity()) }
        try reader.list { (reader) throws(SavedFlowsError) in stations.append(try reader.station()) }
        try reader.list { (reader) throws(SavedFlowsError) in
            templates.append(try reader.template(servers: servers.count))
        }
        flows4 = try flows(&reader, isIPv6: false)
        flows6 = try flows(&reader, isIPv6: true)
        guard reader.isAtEnd else { throw .damaged }
    }

    private func flows(_ reader: inout SaveReader, isIPv6: Bool) throws(SavedFlowsError) -> [SavedFlow] {
        var flows: [SavedFlow] = []
        try reader.list { (reader) throws(SavedFlowsError) in
            let flow = try reader.flow(isIPv6: isIPv6)
            guard servers.indices.contains(flow.server), flow.station.map(stations.indices.contains) ?? true,
                flow.template.map(templates.indices.contains) ?? true
            else { throw .damaged }
            flows.append(flow)
        }
        return flows
    }
}

extension SaveReader {
    fileprivate mutating func identity() throws(SavedFlowsError) -> Server.Identity {
        let vip = try address()
        let port = try number(UInt16.self)
        let transport = try number(UInt8.self)
        let server = try address()
        return Server.Identity(
            vip: vip, port: port, transport: transport, address: server, serverPort: try number(UInt16.self))
    }

    fileprivate mutating func station() throws(SavedFlowsError) -> LinkStation {
        let egress = Int(try number(UInt32.self))
        let source = MACAddress(rawValue: try number(UInt64.self))
        return LinkStation(egress: egress, source: source, destination: MACAddress(rawValue: try number(UInt64.self)))
    }

    fileprivate mutating func template(servers: Int) throws(SavedFlowsError) -> SavedContent.Template {
        let network = try address()
        let vip = try address()
        let port = try number(UInt16.self)
        let transport = try number(UInt8.self)
        let server = Int(try number(UInt32.self))
        guard server < servers else { throw .damaged }
        return SavedContent.Template(
            key: TemplateKey(network: network, vip: vip, port: port, transport: transport), server: server,
            left: try number(UInt64.self))
    }

    fileprivate mutating func flow(isIPv6: Bool) throws(SavedFlowsError) -> SavedContent.SavedFlow {
        let client = try address(isIPv6: isIPv6)
        let vip = try address(isIPv6: isIPv6)
        let clientPort = try number(UInt16.self)
        let port = try number(UInt16.self)
        let transport = try number(UInt8.self)
        guard let state = FlowState(list: Int(try number(UInt8.self))),
            (state == .udp) == (transport == InternetHeader.udp)
        else { throw .damaged }
        let isAnswered = try number(UInt8.self) != 0
        let server = Int(try number(UInt32.self))
        let station = try number(UInt32.self)
        let template = try number(UInt32.self)
        return SavedContent.SavedFlow(
            client: client, vip: vip, clientPort: clientPort, port: port, transport: transport, state: state,
            isAnswered: isAnswered, server: server, station: station == .max ? nil : Int(station),
            template: template == .max ? nil : Int(template), left: try number(UInt64.self))
    }
}

extension FlowState {
    /// The state with this ``list``; nil: there is none.
    fileprivate init?(list: Int) {
        if list == TCPState.count {
            self = .udp
        } else if let state = UInt8(exactly: list).flatMap(TCPState.init(rawValue:)) {
            self = .tcp(state)
        } else {
            return nil
        }
    }
}
