// swift-tools-version:6.2
import PackageDescription

/// Every target of ours is held to the same rules; a warning does not get in.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHPACK: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "rsagent",
    products: [
        .executable(name: "rsagent", targets: ["rsagent"]),
        .executable(name: "rsdirector", targets: ["rsdirector"]),
    ],
    dependencies: [
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        // async-http-client and hummingbird bring both; named here because checks speak TLS and HTTP/2 themselves.
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        // No traits: the default ones link Foundation, which is 45 MB of a static binary.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The kernel's and the system's own, as modules.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CNetlink", pkgConfig: "libnl-route-3.0", providers: [.apt(["libnl-route-3-dev"])]),
        .systemLibrary(name: "CNftables", pkgConfig: "libnftables", providers: [.apt(["libnftables-dev"])]),

        // Values, and the two configuration files.
        .target(name: "NetworkAddress", swiftSettings: strict),
        .target(
            name: "ConfigurationFile",
            dependencies: ["NetworkAddress", .product(name: "TOMLKit", package: "TOMLKit")],
            swiftSettings: strict),

        // Edges to the kernel.
        .target(name: "Netlink", dependencies: ["CLinux", "CNetlink", "NetworkAddress"], swiftSettings: strict),
        .target(name: "PacketFilter", dependencies: ["CNftables", "NetworkAddress"], swiftSettings: strict),
        .target(name: "PacketIO", dependencies: ["CLinux", "NetworkAddress"], swiftSettings: strict),

        // What the product is.
        .target(
            name: "RealServerSetup",
            dependencies: [
                "CLinux", "ConfigurationFile", "Netlink", "NetworkAddress", "PacketFilter", "PacketIO", logging,
                serviceLifecycle,
            ],
            swiftSettings: strict),
        .target(
            name: "HealthReporter",
            dependencies: [
                "CLinux", "ConfigurationFile", "NetworkAddress", asyncHTTPClient, hummingbird, hummingbirdCore, logging,
                nioCore, nioHPACK, nioHTTP1, nioHTTP2, nioPosix, nioSSL, nioTLS, serviceLifecycle,
            ],
            swiftSettings: strict),
        .target(name: "Forwarding", dependencies: ["CLinux", "NetworkAddress"], swiftSettings: strict),
        .target(
            name: "Director",
            dependencies: [
                "CLinux", "ConfigurationFile", "Forwarding", "HealthReporter", "Netlink", "NetworkAddress",
                "PacketFilter", "PacketIO",
                asyncHTTPClient, hummingbird, hummingbirdCore, logging, nioCore, nioHTTP1, nioPosix, serviceLifecycle,
                unixSignals,
            ],
            swiftSettings: strict),

        // Command lines and wiring.
        .executableTarget(
            name: "rsagent",
            dependencies: [
                "ConfigurationFile", "HealthReporter", "Netlink", "NetworkAddress", "RealServerSetup",
                argumentParser, logging, serviceLifecycle, unixSignals,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "rsdirector",
            dependencies: [
                "ConfigurationFile", "Director", "HealthReporter", "NetworkAddress", argumentParser, logging,
                serviceLifecycle, unixSignals,
            ],
            swiftSettings: strict),

        // How it is proven: one folder of tests per library, and the lab, which the demo tells a story on.
        .target(name: "Lab", dependencies: ["CLinux", "NetworkAddress"], path: "Tests/Lab", swiftSettings: strict),
        .target(name: "Fuzzing", path: "Tests/Fuzzing", swiftSettings: strict),
        .executableTarget(
            name: "rslab-demo", dependencies: ["Lab", unixSignals], path: "Tests/demo", swiftSettings: strict),
        .testTarget(
            name: "LabTests",
            dependencies: [
                "ConfigurationFile", "Lab", "Netlink", "NetworkAddress", "RealServerSetup", "rsagent", "rsdirector",
                "rslab-demo",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "KernelLab",
            dependencies: [
                "ConfigurationFile", "Lab", "Netlink", "NetworkAddress", "RealServerSetup", "rsagent", "rsdirector",
            ],
            exclude: ["run-in-guest"], swiftSettings: strict),
        .testTarget(name: "NetworkAddressTests", dependencies: ["NetworkAddress"], swiftSettings: strict),
        .testTarget(
            name: "ConfigurationFileTests", dependencies: ["CLinux", "ConfigurationFile", "Fuzzing", "NetworkAddress"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "NetlinkTests", dependencies: ["CLinux", "Lab", "Netlink", "NetworkAddress"], swiftSettings: strict),
        .testTarget(
            name: "RealServerSetupTests",
            dependencies: [
                "CLinux", "ConfigurationFile", "Lab", "Netlink", "NetworkAddress", "PacketFilter", "PacketIO",
                "RealServerSetup", logging, serviceLifecycle,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "PacketFilterTests", dependencies: ["CLinux", "Lab", "NetworkAddress", "PacketFilter"],
            swiftSettings: strict),
        .testTarget(
            name: "ForwardingTests", dependencies: ["Forwarding", "Fuzzing", "NetworkAddress"], swiftSettings: strict),
        .testTarget(
            name: "HealthReporterTests",
            dependencies: [
                "CLinux", "ConfigurationFile", "Fuzzing", "HealthReporter", "Lab", "NetworkAddress", asyncHTTPClient,
                logging,
                nioCore, nioHPACK, nioHTTP1, nioHTTP2, nioPosix, nioSSL, nioTLS, serviceLifecycle,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "DirectorTests",
            dependencies: [
                "ConfigurationFile", "Director", "Forwarding", "Fuzzing", "HealthReporter", "Lab", "Netlink",
                "NetworkAddress", "PacketFilter", "PacketIO", hummingbird, hummingbirdCore, logging, nioCore, nioPosix,
                serviceLifecycle,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "PacketIOTests", dependencies: ["CLinux", "NetworkAddress", "PacketIO"], swiftSettings: strict),
    ]
)
