import Lab
import Testing

extension TheKernelLab {
    /// What rsdirector is put to in the lab: that what is expected of it is what IPVS does.
    @Suite("IPVS's schedulers and persistence on the wire")
    struct SchedulerTests {
        @Test("each of a client's connections goes to the server that its rules say")
        func story() async throws {
            let lab = try await Lab()
            try await clearing(lab) { try await judge(lab) }
        }

        private func judge(_ lab: Lab) async throws {
            // Debian's kernel is built without it (CONFIG_IP_VS_TWOS).
            let cases = SchedulerTrial.cases.filter { $0.scheduler != "twos" }
            let vips = cases.indices.map(SchedulerTrial.vip)
            let fleet = Fleet(on: lab)
            for host in lab.backends {
                try await fleet.startWebServer(on: host)
                try await host.hold(vips)
            }
            for (vip, tried) in zip(vips, cases) {
                try await lab.director.require("ip addr add \(vip)/32 dev eth0")
                let flag = tried.flag.map { " -b \(tried.scheduler)-\($0)" } ?? ""
                let kept = tried.persistence == nil ? "" : " -p 300"
                try await lab.director.require("ipvsadm -A -t \(vip):80 -s \(tried.scheduler)\(flag)\(kept)")
                // It puts each in front of those before (`__ip_vs_update_dest` in `net/netfilter/ipvs/ip_vs_ctl.c`).
                for (host, weight) in zip(lab.backends, SchedulerTrial.weights).reversed() {
                    try await lab.director.require("ipvsadm -a -t \(vip):80 -r \(host.address):80 -g -w \(weight)")
                }
            }
            let wrong = try await SchedulerTrial(cases, on: lab).run { tried, vip, server in
                // For all services at once: those whose clients stay come first.
                if tried.persistence == .move { try await lab.director.set("net.ipv4.vs.expire_quiescent_template=1") }
                try await lab.director.require("ipvsadm -e -t \(vip):80 -r \(server.address):80 -g -w 0")
            }
            #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
            try await fleet.stop()
        }
    }
}
