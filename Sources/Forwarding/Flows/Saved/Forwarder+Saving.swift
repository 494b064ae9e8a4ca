import NetworkAddress

extension Forwarder {
    /// Everything that is remembered of clients, as bytes for ``resume(_:interfaces:at:now:)`` of another forwarder: flows and
    /// persistence templates. Some 40 bytes for a flow of IPv4, 64 for one of IPv6.
    ///
    /// - Parameters:
    ///   - interfaces: the names of the interfaces, in the caller's order (``LinkStation/egress``).
    ///   - moment: now, by the clock that goes on between two runs.
    public func save(interfaces: [String], at moment: BootMoment) -> [UInt8] {
        var writer = SaveWriter()
        writer.reserve(1024 + 64 * flowCount)
        writer.append(SavedFlows.magic)
        writer.append(SavedFlows.version)
        writer.append(moment.boot)
        writer.append(moment.milliseconds)
        writer.append { writer in
            for name in interfaces { writer.append(name) }
            return interfaces.count
        }
        board.save(v4, v6, into: &writer)
        writer.append(writer.bytes.withUnsafeBytes(SavedFlows.checksum))
        return writer.bytes
    }
}

/// Where the records that others refer to were written: by the number each had, the one it has in its list.
struct SavedPlaces {
    private(set) var places: [UInt32: UInt32] = [:]

    /// The place of this record, the next one where it has none yet.
    mutating func place(of record: UInt32) -> (place: UInt32, isNew: Bool) {
        if let place = places[record] { return (place, false) }
        let place = UInt32(places.count)
        places[record] = place
        return (place, true)
    }

    subscript(record: UInt32) -> UInt32? { places[record] }
}

extension Switchboard {
    fileprivate func save(
        _ v4: borrowing FlowTable<IPv4FlowKey>, _ v6: borrowing FlowTable<IPv6FlowKey>, into writer: inout SaveWriter
    ) {
        var (servers, stations, templates) = (SavedPlaces(), SavedPlaces(), SavedPlaces())
        saveServers(&servers, into: &writer)
        writer.append { writer in
            saveStations(of: v4, &stations, into: &writer)
            saveStations(of: v6, &stations, into: &writer)
            return stations.places.count
        }
        writer.append { writer in
            self.templates.forEachByAge { index, key, template in
                guard let server = servers[template.server] else { return }
                _ = templates.place(of: index)
                writer.append(key.network)
                writer.append(key.vip)
                writer.append(key.port)
                writer.append(key.transport)
                writer.append(server)
                writer.append(template.deadline > clock ? template.deadline - clock : 0)
            }
            return templates.places.count
        }
        save(v4, isIPv6: false, servers, stations, templates, into: &writer)
        save(v6, isIPv6: true, servers, stations, templates, into: &writer)
    }

    private func saveServers(_ places: inout SavedPlaces, into writer: inout SaveWriter) {
        writer.append { writer in
            for slot in 0..<UInt32(servers.count)
            where servers[slot].pointee.isTaken && !servers[slot].pointee.isOutbound {
                _ = places.place(of: slot)
                let identity = servers[slot].pointee.identity
                writer.append(identity.vip)
                writer.append(identity.port)
                writer.append(identity.transport)
                writer.append(identity.address)
                writer.append(identity.serverPort)
            }
            return places.places.count
        }
    }

    private func saveStations<Key: FlowKey>(
        of flows: borrowing FlowTable<Key>, _ places: inout SavedPlaces, into writer: inout SaveWriter
    ) {
        flows.forEachByAge { index in
            let record = flows[index].pointee.station
            guard record != StationTable.none, places.place(of: UInt32(record)).isNew else { return }
            let station = stations[record]
            writer.append(UInt32(truncatingIfNeeded: station.egress))
            writer.append(station.source.rawValue)
            writer.append(station.destination.rawValue)
        }
    }

    private func save<Key: FlowKey>(
        _ flows: borrowing FlowTable<Key>, isIPv6: Bool, _ servers: SavedPlaces, _ stations: SavedPlaces,
        _ templates: SavedPlaces, into writer: inout SaveWriter
    ) {
        writer.append { writer in
            var count = 0
            flows.forEachByAge { index in
                let flow = flows[index].pointee
                // Those of source NAT are not: what they lead to is no server.
                guard !flow.isOutbound, flow.deadline > clock, let server = servers[flow.server] else { return }
                count += 1
                writer.append(Key.wide(flow.key.client), isIPv6: isIPv6)
                writer.append(Key.wide(flow.key.vip), isIPv6: isIPv6)
                writer.append(flow.key.clientPort)
                writer.append(flow.key.port)
                writer.append(flow.key.transport)
                writer.append(UInt8(flow.state.list))
                writer.append(UInt8(flow.isAnswered ? 1 : 0))
                writer.append(server)
                writer.append(stations[UInt32(flow.station)] ?? .max)
                writer.append(flows.template(of: index).flatMap { templates[$0] } ?? .max)
                writer.append(flow.deadline - clock)
            }
            return count
        }
    }
}
