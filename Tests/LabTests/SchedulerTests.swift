import Lab
import Testing

extension TheLab {
    /// The same as IPVS is put to in the guest.
    @Suite("Schedulers and persistence on the wire")
    struct SchedulerTests {
        private func directorFile(_ lab: Lab) -> String {
            """
            interface = ["eth0"]
            run_dir   = "\(lab.director.directory)/var/run"
            # Turns and locality are each worker's own.
            workers   = 1


            """ + SchedulerTrial.cases.indices.map { service($0, lab) }.joined()
        }

        private func service(_ index: Int, _ lab: Lab) -> String {
            let tried = SchedulerTrial.cases[index]
            let flags = tried.flag.map { "scheduler_flags = [\"\($0)\"]\n" } ?? ""
            let kept = tried.persistence.map { "persistence = \"5m\"\ndrained_clients = \"\($0)\"\n" } ?? ""
            return """
                [[service]]
                name = "\(tried.name)"
                vip  = "\(SchedulerTrial.vip(index))"
                port = 80
                scheduler = "\(tried.scheduler)"
                \(flags)\(kept)

                """
                    + zip(lab.backends, SchedulerTrial.weights).map { host, weight in
                        "[[service.server]]\naddress = \"\(host.address)\"\nagent = false\nweight = \(weight)\n\n"
                    }.joined()
        }

        @Test(
            "each of a client's connections goes to the server that IPVS's rules say, and is answered by that one itself"
        )
        func story() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                for host in lab.backends {
                    try await fleet.startWebServer(on: host)
                    try await host.hold(SchedulerTrial.cases.indices.map(SchedulerTrial.vip))
                }
                try await fleet.startDirector(directorFile(lab))
                try await fleet.untilDirectorHas(SchedulerTrial.cases.count * lab.backends.count)
                let wrong = try await SchedulerTrial(on: lab).run { tried, _, server in
                    let order = try await fleet.director("drain \(tried.name) \(server.address)")
                    #expect(order.status == 0, "\(order.text)")
                }
                #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
                try await fleet.stop()
            }
        }
    }
}
