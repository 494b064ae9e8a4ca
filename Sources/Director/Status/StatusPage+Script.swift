extension StatusPage {
    /// What the page does. A name from outside is never markup here: elements are made by `make`, which takes text.
    static let script = #"""
        'use strict';
        const INTERVAL = 2000, SPAN = 300000, GAP = 3 * INTERVAL;
        const place = id => document.getElementById(id);
        const histories = new Map();
        let answered = null;

        function make(name, attributes, ...children) {
          const isDrawing = name === 'svg' || name === 'polyline';
          const element = isDrawing ? document.createElementNS('http://www.w3.org/2000/svg', name)
            : document.createElement(name);
          for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
          element.append(...children.map(child => child instanceof Node ? child : String(child)));
          return element;
        }

        function count(value) { return value.toLocaleString('en'); }
        function bits(bytes) {
          let value = bytes * 8, unit = 0;
          while (value >= 1000 && unit < 4) { value /= 1000; unit += 1; }
          return (value >= 100 || unit === 0 ? value.toFixed(0) : value.toFixed(1)) + ' '
            + ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'][unit];
        }
        function end(address, port) { return (address.includes(':') ? `[${address}]` : address) + ':' + port; }

        function note(key, time, value) {
          const points = histories.get(key) || [];
          points.push({ time, value });
          while (points[0].time < time - SPAN) points.shift();
          histories.set(key, points);
          return points;
        }
        function forget(time) {
          for (const [key, points] of histories) if (points.at(-1).time < time - SPAN) histories.delete(key);
        }

        // The last five minutes, from 0 up; a gap where nobody answered.
        function draw(points, now, words) {
          const most = Math.max(1, ...points.map(point => point.value));
          const drawing = make('svg', { viewBox: '0 0 300 40', preserveAspectRatio: 'none', role: 'img',
            'aria-label': words(points.at(-1).value) + ', at most ' + words(most) });
          let line = [];
          const finish = () => {
            if (line.length) drawing.append(make('polyline', { points: line.join(' ') }));
            line = [];
          };
          points.forEach((point, index) => {
            if (index && point.time - points[index - 1].time > GAP) finish();
            const x = 300 - (now - point.time) / SPAN * 300, y = 39 - point.value / most * 38;
            line.push(x.toFixed(1) + ',' + y.toFixed(1));
          });
          finish();
          return drawing;
        }
        function graph(title, points, now, words) {
          return make('figure', {}, draw(points, now, words),
            make('figcaption', {}, title + ': ' + words(points.at(-1).value)));
        }

        const COLUMNS = ['Server', 'State', 'Weight', 'Active', 'Inactive', 'New/s', '', 'In', 'Out', 'Why'];
        const NUMBERS = [2, 3, 4, 5, 7, 8], RULE_NUMBERS = [2, 3, 4, 6, 7];
        function row(kind, cells, numbers) {
          return make('tr', {}, ...cells.map((cell, index) => {
            const name = numbers.includes(index) ? 'number' : index === 9 ? 'reason' : '';
            return make(kind, name ? { class: name } : {}, cell);
          }));
        }
        function server(service, key, told, now) {
          const points = note(key + '>' + end(told.address, told.port), now, told.rate.connections);
          const why = [told.joined ? 'joined' : '', told.sorry ? 'sorry server' : '', told.mac ? '' : 'MAC not known',
            told.reason, told.agent || told.sorry ? '' : 'no agent'];
          return row('td', [end(told.address, told.port) + ' ' + told.forward,
            make('span', { class: 'state ' + (told.state === 'up' || told.state === 'down' ? told.state : '') }, told.state),
            count(told.weight), count(told.active) + (told.upper ? ' of ' + count(told.upper) : ''),
            count(told.inactive), count(told.rate.connections), draw(points, now, value => count(value) + '/s'),
            bits(told.rate.inbound_bytes), bits(told.rate.outbound_bytes), why.filter(Boolean).join('; ')], NUMBERS);
        }
        function section(service, now) {
          const key = service.protocol + service.vip + ':' + service.port;
          const bytes = service.rate.inbound_bytes + service.rate.outbound_bytes;
          const kept = service.persistence ? ` persistent ${service.persistence.timeout} s` : '';
          const flags = service.scheduler_flags.length ? ` (${service.scheduler_flags.join(',')})` : '';
          return make('section', {},
            make('h2', {}, service.name + ' ', make('span', { class: 'faint' }, service.protocol.toUpperCase() + ' '
              + end(service.vip, service.port) + ' ' + service.scheduler + flags + kept)),
            make('div', { class: 'graphs' },
              graph('new connections', note(key + ' new', now, service.rate.connections), now, value => count(value) + '/s'),
              graph('traffic', note(key + ' bytes', now, bytes), now, bits)),
            make('div', { class: 'wide' }, make('table', {},
              make('thead', {}, row('th', COLUMNS, NUMBERS)),
              make('tbody', {}, ...service.servers.map(told => server(service, key, told, now))))));
        }

        const RULE_COLUMNS = ['Address: ports', 'Networks', 'Active', 'Inactive', 'New/s', '', 'In', 'Out'];
        function rule(told, now) {
          const name = `${told.address}: ${told.first_port} to ${told.last_port}`, networks = told.sources.join(', ');
          const points = note(`outbound ${name} ${networks}`, now, told.rate.connections);
          return [name, networks, count(told.active), count(told.inactive), count(told.rate.connections),
            draw(points, now, value => count(value) + '/s'), bits(told.rate.inbound_bytes), bits(told.rate.outbound_bytes)];
        }
        function outbound(rules, now) {
          if (!rules.length) return [];
          return [make('section', {}, make('h2', {}, 'Servers to the world'),
            make('div', { class: 'wide' }, make('table', {},
              make('thead', {}, row('th', RULE_COLUMNS, RULE_NUMBERS)),
              make('tbody', {}, ...rules.map(told => row('td', rule(told, now), RULE_NUMBERS))))))];
        }

        function problems(status) {
          const found = status.interfaces.filter(one => !one.up).map(one => `interface ${one.name}: ${one.fault ?? 'down or gone'}`);
          for (const vip of status.vips) {
            if (vip.state === 'taken') found.push(`VIP ${vip.address} on ${vip.interface}: not ours, ${vip.conflict} has it`);
            else if (vip.state === 'lost') found.push(`VIP ${vip.address} on ${vip.interface}: the interface is lost`);
            else if (vip.conflict) found.push(`VIP ${vip.address} on ${vip.interface}: ${vip.conflict} says it has it too`);
          }
          for (const service of status.services) {
            const takers = service.servers.filter(one => one.weight > 0 && one.mac);
            const name = `${service.name} on ${end(service.vip, service.port)}`;
            if (!takers.length) found.push(`${name}: no server takes new connections`);
            else if (takers.every(one => one.sorry)) found.push(`${name}: too few servers are up, the sorry server answers`);
          }
          return found;
        }
        function list(words) { place('problems').replaceChildren(...words.map(word => make('li', {}, word))); }

        function show(status) {
          const now = Date.now();
          document.title = `${status.host}: rsdirector`;
          place('name').textContent = `${status.director} on ${status.host}`;
          place('when').textContent = status.time;
          list(problems(status));
          place('summary').textContent = `${count(status.flows)} connections remembered, room for `
            + count(status.flow_capacity);
          place('services').replaceChildren(...status.services.map(service => section(service, now)));
          place('outbound').replaceChildren(...outbound(status.outbound, now));
          const drops = Object.entries(status.drops).map(([reason, packets]) => `${reason} ${count(packets)}`);
          place('drops').textContent = drops.join(', ') || 'none';
          forget(now);
        }

        async function ask() {
          try {
            const answer = await fetch('v1/status', { cache: 'no-store', signal: AbortSignal.timeout(10000) });
            if (!answer.ok) throw new Error('status ' + answer.status);
            show(await answer.json());
            answered = new Date();
          } catch (error) {
            const since = answered ? ` since ${answered.toLocaleTimeString()}` : '';
            list([`the director does not answer${since}: ${error.message}`]);
          }
          setTimeout(ask, INTERVAL);
        }
        ask();
        """#
}
