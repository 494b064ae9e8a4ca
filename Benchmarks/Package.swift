// swift-tools-version:6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

// A package of its own: neither a build of the daemons nor their tests need what is here. It speaks to them from outside and so
// shares no code with them, but for `decision`, which measures what cannot be reached from outside: the packet path without
// the kernel. Its sources are here by symbolic links, so that they need be neither a product nor a dependency.
let package = Package(
    name: "rsbench",
    targets: [
        .systemLibrary(name: "CEpoll"),
        .executableTarget(name: "rsbench", dependencies: ["CEpoll"], swiftSettings: strict),

        // Forwarding through a veth: who offers packets and counts them, and what rsdirector is measured against.
        .executableTarget(name: "flood"),
        .executableTarget(name: "macswap"),

        // The packet path without the kernel.
        .target(name: "CAllocations"),
        .systemLibrary(name: "CLinux"),
        .target(name: "NetworkAddress", swiftSettings: strict),
        .target(name: "Forwarding", dependencies: ["CLinux", "NetworkAddress"], swiftSettings: strict),
        .executableTarget(
            name: "decision", dependencies: ["CAllocations", "Forwarding", "NetworkAddress"], swiftSettings: strict),
    ]
)
