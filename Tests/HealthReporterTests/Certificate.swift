import CLinux
import Glibc
import NIOSSL
import Testing

@testable import HealthReporter

/// A certificate that signs itself, made with openssl, with its key.
struct Certificate {
    let folder = Folder()
    /// The certificate, in PEM: what trusts it names this file.
    var path: String { "\(folder.path)/certificate" }

    /// - Parameters:
    ///   - start: the day on which it begins.
    ///   - end: the day on which it ends.
    ///   - names: whom it is for.
    init(
        from start: String = "2020-01-01", to end: String = "2040-01-01",
        names: String = "DNS:www.example.net, IP:127.0.0.1"
    ) throws {
        try folder.write(
            """
            [ca]
            default_ca = this
            [this]
            database = \(folder.path)/index
            new_certs_dir = \(folder.path)
            rand_serial = yes
            default_md = sha256
            policy = any
            x509_extensions = names
            [any]
            commonName = supplied
            [names]
            subjectAltName = \(names)
            """, to: "configuration")
        try folder.write("", to: "index")
        try openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            "\(folder.path)/key", "-subj", "/CN=www.example.net", "-out", "\(folder.path)/request")
        try openssl(
            "ca", "-batch", "-config", "\(folder.path)/configuration", "-selfsign", "-keyfile", "\(folder.path)/key",
            "-in", "\(folder.path)/request", "-startdate", "\(start.replacing("-", with: ""))000000Z", "-enddate",
            "\(end.replacing("-", with: ""))000000Z", "-notext", "-out", path)
    }

    private func openssl(_ arguments: String...) throws {
        let (ending, output) = Program(arguments: ["/usr/bin/openssl"] + arguments, environment: ["HOME": folder.path])
            .run(until: .now + .seconds(60), stop: -1)
        try #require(ending == .exited(0), "openssl \(arguments): \(String(decoding: output, as: UTF8.self))")
    }

    /// What a server shows it with.
    func serverContext(applicationProtocols: [String] = [], newest: TLSVersion = .tlsv13) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(path).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: "\(folder.path)/key", format: .pem)))
        configuration.maximumTLSVersion = newest
        configuration.applicationProtocols = applicationProtocols
        return try NIOSSLContext(configuration: configuration)
    }
}
