// swift-tools-version:6.2
import PackageDescription

// A package of its own: neither a build of the agent nor its tests need what is here. It speaks to the agent from outside
// and so shares no code with it.
let package = Package(
    name: "rsbench",
    targets: [
        .systemLibrary(name: "CEpoll"),
        .executableTarget(
            name: "rsbench",
            dependencies: ["CEpoll"],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .treatAllWarnings(as: .error),
            ]),
    ]
)
