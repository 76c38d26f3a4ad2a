// Draws the charts of the page with uPlot. Runs in the browser: report.ts puts this text, uPlot and the data into one file.
(() => {
  const race = JSON.parse(document.getElementById('race-data').textContent);
  const themed = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const decades = (value) => 10 ** Math.floor(Math.log10(value));
  const figure = (value) => {
    if (value === null || value === undefined || !Number.isFinite(value)) return '–';
    return value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e5) ? value.toExponential(1) : value.toPrecision(3);
  };
  const tick = (value) => (value < 1e-4 || value >= 1e5 ? value.toExponential(0) : String(Number(value.toPrecision(6))));
  const percentage = (value) => (value === null || value === undefined ? '–' : `${value.toFixed(1)} %`);

  /** Ticks of a log axis: the rounder, the more decades it spans. */
  const logSplits = (_, __, least, most) => {
    const span = most / least;
    const mantissas =
      span > 3e3
        ? [1]
        : span > 30
          ? [1, 2, 5]
          : span > 6
            ? [1, 1.5, 2, 3, 5, 7]
            : [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9];
    const ticks = [];
    for (let decade = decades(least); decade <= most; decade *= 10) {
      for (const mantissa of mantissas) {
        const value = Number((decade * mantissa).toPrecision(6));
        if (value >= least && value <= most) ticks.push(value);
      }
    }
    return ticks;
  };

  const logScale = (values, below, above) => ({
    time: false,
    distr: 3,
    log: 10,
    range: () => {
      const positive = values.filter((value) => value > 0);
      return positive.length > 0 ? [Math.min(...positive) * below, Math.max(...positive) * above] : [0.1, 1];
    },
  });

  const decadeSplits = (...all) => logSplits(...all).filter((value) => Number.isInteger(Number(Math.log10(value).toFixed(6))));
  const logAxis = { splits: logSplits, filter: (_, ticks) => ticks, values: (_, ticks) => ticks.map(tick) };

  const axis = (extra) => ({
    stroke: themed('--muted'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: themed('--grid'), width: 1 },
    ticks: { show: false },
    ...extra,
  });

  const points = (values) => values.map((value) => (value > 0 && Number.isFinite(value) ? value : null));
  const padded = (values, length) => [...values, ...new Array(length - values.length).fill(null)];

  /** Training loss over steps: every batch faintly, the smoothed curve boldly. */
  const lossChart = () => {
    const steps = Math.max(...race.lanes.map(({ losses }) => losses.length));
    const firstLoss = Math.max(...race.lanes.map(({ losses }) => losses[0]));
    const shown = race.lanes.flatMap(({ smoothed }) => smoothed).map((loss) => Math.min(loss, 10 * firstLoss));
    const x = Array.from({ length: steps }, (_, index) => index + 1);
    return {
      data: [
        x,
        ...race.lanes.map(({ losses }) => padded(points(losses), steps)),
        ...race.lanes.map(({ smoothed }) => padded(points(smoothed), steps)),
      ],
      series: [
        ...race.lanes.map(({ colour }) => ({ stroke: `${colour}2e`, width: 1, points: { show: false } })),
        ...race.lanes.map(({ colour }) => ({ stroke: colour, width: 2.25, pxAlign: 0, points: { show: false } })),
      ],
      scales: { x: { time: false, range: (_, least, most) => [least, Math.max(most, least + 1)] }, y: logScale(shown, 0.7, 1.15) },
      axes: [axis({ size: 28, space: 70 }), axis({ size: 56, ...logAxis })],
      legend: race.lanes.map((lane, index) => ({ ...lane, owns: [index + 1, index + 1 + race.lanes.length], format: figure, rest: last })),
      where: (at) => (at === null ? `at step ${steps}, the last` : `at step ${x[at]}`),
    };
  };

  const last = (values) => values.findLast((value) => value !== null);
  const least = (values) => Math.min(...values.filter((value) => value !== null));

  /** Test accuracy over steps, in percent. */
  const accuracyChart = () => {
    const x = [...new Set(race.lanes.flatMap(({ tests }) => tests.map(([step]) => step)))].sort((a, b) => a - b);
    return {
      data: [x, ...race.lanes.map(({ tests }) => x.map((step) => tests.find(([at]) => at === step)?.[1] ?? null))],
      series: race.lanes.map(({ colour }) => ({ stroke: colour, width: 2.25, pxAlign: 0, points: { show: false } })),
      scales: { x: { time: false }, y: { range: (_, __, most) => [0, Math.min(100, Math.ceil((most + 1) / 10) * 10)] } },
      axes: [axis({ size: 28, space: 70 }), axis({ size: 56, values: (_, ticks) => ticks.map((value) => `${value} %`) })],
      legend: race.lanes.map((lane, index) => ({ ...lane, owns: [index + 1], format: percentage, rest: last })),
      where: (at) => (at === null ? `after step ${x[x.length - 1]}, the last test` : `after step ${x[at]}`),
    };
  };

  /** What steps did, of lanes that each measured steps of their own. */
  const measureChart = (of) => () => {
    const x = [...new Set(race.lanes.flatMap((lane) => lane[of].map(([step]) => step)))].sort((a, b) => a - b);
    const all = race.lanes.flatMap((lane) => lane[of].map(([, value]) => value));
    return {
      data: [x, ...race.lanes.map((lane) => points(x.map((step) => lane[of].find(([at]) => at === step)?.[1] ?? null)))],
      series: race.lanes.map(({ colour }) => ({ stroke: colour, width: 2.25, pxAlign: 0, spanGaps: true, points: { show: false } })),
      scales: { x: { time: false }, y: logScale(all, 0.7, 1.15) },
      axes: [axis({ size: 28, space: 70 }), axis({ size: 56, ...logAxis })],
      legend: race.lanes.map((lane, index) => ({ ...lane, owns: [index + 1], format: figure, rest: last })),
      where: (at) => (at === null ? 'in the last measured step' : `in step ${x[at]}`),
    };
  };

  /** Best smoothed training loss over the learning rate, both logarithmic. A diverged run is a cross at the upper edge. */
  const sweepChart = () => {
    const all = race.sweep.flatMap((lane) => lane.points);
    const x = [...new Set(all.map(({ learningRate }) => learningRate))].sort((a, b) => a - b);
    const pointAt = (lane, learningRate) => lane.points.find((point) => point.learningRate === learningRate);
    const cross = (chart) => {
      const { ctx, bbox } = chart;
      const arm = 4 * devicePixelRatio;
      ctx.save();
      ctx.lineWidth = 2 * devicePixelRatio;
      race.sweep.forEach((lane, index) => {
        if (!chart.series[index + 1].show) return;
        ctx.strokeStyle = lane.colour;
        for (const { learningRate } of lane.points.filter(({ diverged }) => diverged)) {
          const [at, top] = [chart.valToPos(learningRate, 'x', true), bbox.top + 2 * arm + index * 2.5 * arm];
          ctx.beginPath();
          ctx.moveTo(at - arm, top - arm);
          ctx.lineTo(at + arm, top + arm);
          ctx.moveTo(at + arm, top - arm);
          ctx.lineTo(at - arm, top + arm);
          ctx.stroke();
        }
      });
      ctx.restore();
    };
    const finite = all.filter(({ diverged }) => !diverged).map(({ bestLoss }) => bestLoss);
    return {
      data: [
        x,
        ...race.sweep.map((lane) =>
          x.map((learningRate) => {
            const point = pointAt(lane, learningRate);
            return point && !point.diverged && point.bestLoss > 0 ? point.bestLoss : null;
          }),
        ),
      ],
      series: race.sweep.map(({ colour }) => ({
        stroke: colour,
        width: 2.25,
        pxAlign: 0,
        spanGaps: true,
        points: { show: true, size: 8, fill: colour, stroke: themed('--card'), width: 1.5 },
      })),
      scales: { x: logScale(x, 0.75, 1.33), y: logScale(finite, 0.7, 1.4) },
      axes: [axis({ size: 28, ...logAxis, splits: decadeSplits }), axis({ size: 56, ...logAxis })],
      hooks: { draw: [cross] },
      legend: race.sweep.map((lane, index) => ({ ...lane, owns: [index + 1], format: figure, rest: least })),
      where: (at) => (at === null ? 'the best of every rate' : `near learning rate ${figure(x[at])}`),
    };
  };

  /** The nearest point a series has, so that the legend and the cursor follow every curve where the abscissae differ. */
  const nearest = (chart, series, index) => {
    const values = chart.data[series];
    for (let away = 0; away < values.length; away++) {
      if (values[index - away] != null) return index - away;
      if (values[index + away] != null) return index + away;
    }
    return index;
  };

  const mount = (id, describe) => {
    const place = document.getElementById(id);
    if (!place) return;
    const legend = document.createElement('div');
    legend.className = 'legend';
    place.before(legend);
    const hidden = new Set();
    let chart;

    const build = () => {
      chart?.destroy();
      const { data, series, scales, axes, hooks, where, legend: entries } = describe();
      const outputs = entries.map(({ label, colour, owns, format, rest, name }) => {
        const button = document.createElement('button');
        const dot = document.createElement('span');
        const output = document.createElement('output');
        dot.className = 'dot';
        dot.style.background = colour;
        button.type = 'button';
        button.append(dot, label, output);
        const show = () => {
          button.setAttribute('aria-pressed', String(!hidden.has(name)));
          for (const index of owns) chart?.setSeries(index, { show: !hidden.has(name) });
        };
        button.addEventListener('click', () => {
          if (!hidden.delete(name)) hidden.add(name);
          show();
        });
        return { button, output, show, bold: owns[owns.length - 1], format, rest };
      });
      const whereabouts = document.createElement('span');
      whereabouts.className = 'at';
      legend.replaceChildren(whereabouts, ...outputs.map(({ button }) => button));
      const tell = (at) => {
        whereabouts.textContent = where(at ?? null);
        for (const { output, bold, format, rest } of outputs) {
          const values = data[bold];
          output.textContent = format(at == null ? rest(values) : values[nearest(chart, bold, at)]);
        }
      };
      chart = new uPlot(
        {
          width: place.clientWidth,
          height: place.clientHeight,
          legend: { show: false },
          padding: [10, 22, 0, 0],
          cursor: {
            y: false,
            drag: { x: false, y: false },
            dataIdx: (self, index, at) => (index === 0 ? at : nearest(self, index, at)),
            points: { size: 8 },
          },
          series: [{}, ...series.map((one, index) => ({ ...one, scale: 'y', show: true, label: String(index) }))],
          scales,
          axes,
          hooks: { ...hooks, setCursor: [({ cursor }) => tell(cursor.idx)] },
        },
        data,
        place,
      );
      for (const { show } of outputs) show();
      tell(null);
    };

    build();
    new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: place.clientHeight })).observe(place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', build);
  };

  mount('loss-chart', lossChart);
  mount('accuracy-chart', accuracyChart);
  mount('update-chart', measureChart('updates'));
  mount('gradient-chart', measureChart('gradients'));
  if (race.sweep) mount('sweep-chart', sweepChart);
})();
