/// Authorities `ca` and `other-ca`, and certificates of theirs, made with openssl, as PEM files in a folder of their own.
public final class CertificateAuthority: Sendable {
    /// Whether there is an openssl.
    public static let isAvailable = (try? Command.run(["openssl", "version"]))?.status == 0

    /// Where the files are.
    public let folder: ScratchDirectory

    /// Makes both authorities.
    public init() throws {
        folder = try ScratchDirectory()
        for name in ["ca", "other-ca"] {
            try openssl(
                "req -x509 -newkey \(Self.curve) -keyout \(name).key -out \(name).pem -days 2 -subj /CN=\(name)")
        }
    }

    /// The file of this name: `NAME.pem`, `NAME.key`.
    public func path(_ file: String) -> String { "\(folder.path)/\(file)" }

    /// Makes `NAME.pem` and `NAME.key`, for servers and clients alike.
    ///
    /// - Parameters:
    ///   - authority: `ca` or `other-ca`.
    ///   - names: whom it is for, in openssl's words.
    ///   - start: the day on which it begins.
    ///   - end: the day on which it ends.
    public func issue(
        _ name: String, by authority: String = "ca", for names: String = "IP:127.0.0.1,DNS:localhost",
        from start: String = "2020-01-01", to end: String = "2040-01-01"
    ) throws {
        let settings = """
            [ca]
            default_ca = this
            [this]
            database = \(name).index
            new_certs_dir = .
            rand_serial = yes
            default_md = sha256
            policy = any
            x509_extensions = names
            [any]
            commonName = supplied
            [names]
            subjectAltName = \(names)

            """
        try folder.write(settings, to: "\(name).settings")
        try folder.write("", to: "\(name).index")
        try openssl("req -newkey \(Self.curve) -keyout \(name).key -out \(name).csr -subj /CN=\(name)")
        let days = [start, end].map { $0.filter { $0 != "-" } + "000000Z" }
        try openssl(
            "ca -batch -config \(name).settings -cert \(authority).pem -keyfile \(authority).key -in \(name).csr "
                + "-startdate \(days[0]) -enddate \(days[1]) -notext -out \(name).pem")
    }

    /// Puts what `source` holds in the place of `target`, at once, as whoever renews a certificate does.
    public func replace(_ target: String, with source: String) throws {
        let (old, new) = (path(source), path(target))
        let moved = try Command.run(["sh", "-c", "cp \(old) \(new).new && mv \(new).new \(new)"])
        guard moved.status == 0 else { throw LabError("\(source) to \(target): \(moved.text)") }
    }

    private static let curve = "ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"

    private func openssl(_ words: String) throws {
        let done = try Command.run(["sh", "-c", "cd \(folder.path) && openssl \(words)"])
        guard done.status == 0 else { throw LabError("openssl \(words): \(done.text)") }
    }
}
