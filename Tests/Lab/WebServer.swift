internal import Glibc

/// A real nginx on a backend, which says who it is in the header `X-Server`.
public struct WebServer: Sendable {
    /// The master process; its workers are in its process group.
    public let process: LabProcess
    /// Where its documents are: `/big` is a file of 5 MB.
    public let documents: String

    /// The size of `/big` in bytes.
    public static let bigSize = 5_000_000

    /// Starts nginx on `host`, port 80 of every address, IPv4 and IPv6, and waits until it accepts.
    public init(on host: LabHost) async throws {
        let directory = "\(host.directory)/nginx"
        documents = "\(directory)/documents"
        let made = try await Command.run(["mkdir", "-p", documents, "\(directory)/temp"])
        guard made.status == 0 else { throw LabError(made.text) }
        let filled = try await Command.run([
            "dd", "if=/dev/urandom", "of=\(documents)/big", "bs=\(Self.bigSize)", "count=1", "iflag=fullblock",
        ])
        guard filled.status == 0 else { throw LabError(filled.text) }
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map { "\($0)_temp_path \(directory)/temp/\($0);" }.joined(separator: "\n    ")
        let file = try await host.write(
            """
            user root;
            daemon off;
            worker_processes 1;
            pid \(directory)/nginx.pid;
            error_log stderr warn;
            worker_rlimit_nofile 8192;
            events { worker_connections 4096; }
            http {
                access_log off;
                client_max_body_size 0;
                # A connection that says nothing is the director's to keep, and the test's to end.
                client_header_timeout 1h;
                \(temporary)
                server {
                    listen 80;
                    listen [::]:80;
                    root \(documents);
                    add_header X-Server \(host.name) always;
                    # The same as /big, for 25 s: what a client does to be slow is not to be relied on.
                    location = /slow {
                        alias \(documents)/big;
                        limit_rate 200k;
                    }
                    location = / { return 200 "\(host.name)\\n"; }
                    location /upload/ { dav_methods PUT; create_full_put_path on; }
                }
            }

            """, to: "nginx.conf")
        process = try await host.start(["nginx", "-e", "stderr", "-c", file], log: "nginx")
        try await Deadline.wait(until: "nginx on \(host.name) to answer") { [process] in
            if process.exitStatus != nil { throw LabError("nginx: \(try process.output)") }
            return try await host.run(["curl", "-sf", "-o", "/dev/null", "http://\(host.address)/"]).status == 0
        }
    }

    /// `kill -9` of the master and its workers at once.
    public func kill() { process.signal(SIGKILL, toGroup: true) }
}
