/// The status page, `GET /`: one HTML document that needs nothing else but `v1/status` of the same origin, which it asks again
/// and again. It keeps the last minutes of rates to itself.
struct StatusPage {
    /// A word that no other page has: what the document itself brings may run, nothing that came in with data.
    let nonce: String

    /// A page with a nonce of its own.
    init() {
        var random = SystemRandomNumberGenerator()
        nonce = String(random.next() as UInt64, radix: 36) + String(random.next() as UInt64, radix: 36)
    }

    /// The header `Content-Security-Policy` (W3C CSP3): its own style and script, and questions to its own origin.
    var policy: String {
        "default-src 'none'; style-src 'nonce-\(nonce)'; script-src 'nonce-\(nonce)'; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }

    /// The document. All that comes from `v1/status` is put into it as text, by its script.
    var html: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>rsdirector</title>
        <style nonce="\(nonce)">
        \(Self.style)
        </style>
        </head>
        <body>
        <header><h1 id="name">rsdirector</h1><p id="when">asking…</p></header>
        <main>
        <ul id="problems" role="status"></ul>
        <p id="summary"></p>
        <div id="services"></div>
        <div id="outbound"></div>
        <section><h2>Packets not forwarded</h2><p id="drops"></p></section>
        </main>
        <noscript><p>This page needs JavaScript; <a href="v1/status">v1/status</a> does not.</p></noscript>
        <script nonce="\(nonce)">
        \(Self.script)
        </script>
        </body>
        </html>

        """
    }

    private static let style = """
        :root { --back: #fff; --front: #1a1c1e; --faint: #5c6166; --line: #d5d9dd; --up: #11703a; --down: #b3261e;
          --other: #8a5300; --draw: #1f5fbf; }
        @media (prefers-color-scheme: dark) { :root { --back: #14171a; --front: #e6e8ea; --faint: #a0a7ad;
          --line: #33393f; --up: #5fd08d; --down: #ff8a80; --other: #f0b45a; --draw: #7fb0ff; } }
        body { background: var(--back); color: var(--front); font: 15px/1.45 system-ui, sans-serif; margin: 0 auto;
          max-width: 78rem; padding: 1rem; }
        header { display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: baseline; }
        h1 { font-size: 1.35rem; margin: 0; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .3rem; }
        #when, .faint { color: var(--faint); } p { margin: .2rem 0; }
        #problems { color: var(--down); padding-left: 1.2rem; } #problems:empty { display: none; }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th { color: var(--faint); font-weight: 500; text-align: left; }
        th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem .3rem 0; white-space: nowrap; }
        td.reason { white-space: normal; min-width: 12rem; } .number { text-align: right; }
        .state { font-weight: 600; color: var(--other); } .state.up { color: var(--up); }
        .state.down { color: var(--down); }
        .graphs { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: .3rem 0 .6rem; }
        figure { margin: 0; flex: 1 1 18rem; } figcaption { color: var(--faint); font-size: .85rem; }
        svg { display: block; width: 100%; height: 3rem; border-bottom: 1px solid var(--line); }
        td svg { width: 8rem; height: 1.4rem; }
        polyline { fill: none; stroke: var(--draw); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
        """
}
