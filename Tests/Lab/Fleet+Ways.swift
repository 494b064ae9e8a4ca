// What stands in the files where the same servers are reached several ways.
extension Fleet {
    /// How often a service is checked, how long that may take, and how often it fails until the service is down: in an emulated
    /// guest a check may be a second's work, and all of them share one core.
    static let pace =
        Lab.isEmulated
        ? "interval = \"10s\"\ntimeout = \"10s\"\nrise = 1\nfall = 2\n"
        : "interval = \"1s\"\ntimeout = \"1s\"\nrise = 2\nfall = 3\n"

    /// An agent's file with a service for each way, and what `service` says of it.
    func agentFile(for host: LabHost, ways: [Way], service: (Way) -> String) -> String {
        """
        interface = "eth0"
        directors = ["\(lab.director.address)"]
        run_dir   = "\(host.directory)/var/run"
        state_dir = "\(host.directory)/state"


        """ + ways.map { Self.head(of: $0) + service($0) }.joined(separator: "\n")
    }

    /// The director's file with these servers in a service for each way, and what `service` says of each.
    func directorFile(ways: [Way], servers: [(host: LabHost, weight: Int)], service: String) -> String {
        """
        interface = ["eth0"]
        run_dir   = "\(lab.director.directory)/var/run"


        """
            + ways.map { way in
                Self.head(of: way) + service
                    + servers.map { host, weight in
                        """
                        [[service.server]]
                        address = "\(host.address)"
                        weight  = \(weight)

                        """
                    }.joined()
            }.joined(separator: "\n")
    }

    private static func head(of way: Way) -> String {
        """
        [[service]]
        name    = "\(way.name)"
        vip     = "\(way.vip)"
        forward = "\(way.forward)"

        """
    }
}
