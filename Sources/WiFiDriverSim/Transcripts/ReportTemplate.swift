/// The fixed parts of a report's HTML page.
enum ReportTemplate {
    static let style = """
        :root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --soft: #5c6878; --rule: #d5dbe3;
          --out: #1f6feb; --in: #1a7f4b; --net: #8250df; --bad: #c4321f; --band: #f3f5f8; }
        @media (prefers-color-scheme: dark) { :root { --ink: #dde4ee; --paper: #12171f; --soft: #94a1b3; --rule: #2d3644;
          --out: #6aa9ff; --in: #5cc98c; --net: #b794f6; --bad: #ff7b6b; --band: #1a212c; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 64rem; padding: 1rem; background: var(--paper); color: var(--ink);
          font: 15px/1.45 system-ui, sans-serif; }
        h1 { font-size: 1.4rem; margin: 0; overflow-wrap: anywhere; }
        h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
        header p { margin: .2rem 0 1rem; color: var(--soft); }
        dl { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0; }
        dl div { background: var(--band); border-radius: .4rem; padding: .4rem .8rem; }
        dt { color: var(--soft); font-size: .8rem; } dd { margin: 0; font-weight: 600; }
        .bad dd, tr.bad td, .row.bad p { color: var(--bad); }
        svg { width: 100%; height: auto; background: var(--band); border-radius: .4rem; }
        svg .out { fill: var(--out); } svg .in { fill: var(--in); } svg line { stroke: var(--soft); }
        svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
        .scroll { max-height: 24rem; overflow: auto; border: 1px solid var(--rule); border-radius: .4rem; }
        table { border-collapse: collapse; width: 100%; }
        th { position: sticky; top: 0; background: var(--band); text-align: left; font-size: .8rem; }
        th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--rule); } td { overflow-wrap: anywhere; }
        .number { text-align: right; white-space: nowrap; } td a { color: var(--soft); }
        .bar { width: 20%; } .bar i { display: block; height: .6rem; min-width: 1px; background: var(--out); }
        tr.bad .bar i { background: var(--bad); }
        code, .row p { font: 12.5px/1.4 ui-monospace, monospace; }
        input { font: inherit; width: 20rem; max-width: 100%; padding: .3rem .5rem; } output { color: var(--soft); }
        .lanes { border: 1px solid var(--rule); border-radius: .4rem; padding-bottom: .5rem;
          background: linear-gradient(var(--rule), var(--rule)) 6.5rem 0 / 1px 100% no-repeat,
            linear-gradient(var(--rule), var(--rule)) calc(50% + 3rem) 0 / 1px 100% no-repeat,
            linear-gradient(var(--rule), var(--rule)) calc(100% - .5rem) 0 / 1px 100% no-repeat; }
        .heads, .row { display: grid; grid-template-columns: 6rem repeat(4, 1fr); }
        .heads { position: sticky; top: 0; background: var(--band); padding: .3rem 0; z-index: 1; }
        .heads b { text-align: center; } .heads b:nth-of-type(2) { grid-column: 3 / 5; } .heads span, .row span {
          color: var(--soft); font-size: .75rem; padding-left: .5rem; }
        .heads b:nth-of-type(1) { text-align: left; padding-left: .5rem; } .heads b:nth-of-type(3) { text-align: right;
          padding-right: .5rem; }
        .row p { margin: 0 .5rem; padding: .1rem .4rem .15rem; overflow-wrap: anywhere; position: relative; grid-row: 1;
          border-bottom: 2px solid; scroll-margin-top: 3rem; }
        .row.out p { grid-column: 2 / 4; color: var(--out); } .row.in p { grid-column: 2 / 4; color: var(--in); }
        .row.netin p, .row.netout p, .row.net p { grid-column: 4 / 6; color: var(--net); }
        .row.host p, .row.net p { border-bottom-style: dotted; } .row.host p { grid-column: 2 / 4; color: var(--soft); }
        .row.fault p { grid-column: 2 / 6; color: var(--bad); border-bottom-style: dotted; }
        .row p::after { position: absolute; bottom: -.62rem; font-size: .9rem; line-height: 1; }
        .row.out p::after, .row.netout p::after { content: "▶"; right: -.35rem; }
        .row.in p::after, .row.netin p::after { content: "◀"; left: -.35rem; }
        .row { padding-bottom: .35rem; } .row:target, .row.hit { background: var(--band); } .row.miss, .searching .gap {
          display: none; }
        .gap { display: grid; place-items: center; color: var(--soft); font-size: .75rem;
          margin-left: 6.5rem; } .gap b { background: var(--paper); font-weight: 400; padding: 0 .4rem; }
        """

    static let script = """
        const search = document.getElementById("search"), found = document.getElementById("found");
        const rows = [...document.querySelectorAll(".row")];
        search.addEventListener("input", () => {
          const text = search.value.toLowerCase();
          let count = 0;
          document.querySelector(".lanes").classList.toggle("searching", text !== "");
          for (const row of rows) {
            const isHit = row.textContent.toLowerCase().includes(text);
            row.classList.toggle("miss", !isHit);
            row.classList.toggle("hit", text !== "" && isHit);
            if (isHit) count += 1;
          }
          found.textContent = text === "" ? "" : `${count} of ${rows.length}`;
        });
        """
}
