/** Shown before the first batch of any process: how to start one. */
export function NoProcess() {
  return (
    <section class="tn-empty">
      <h2>No process yet</h2>
      <p>This page shows a program as soon as it sends its first lifecycle. To start one:</p>
      <dl>
        <dt>
          <code>tenure run app.py</code>
        </dt>
        <dd>
          runs your program unchanged and records each <code>async with</code> in it
        </dd>
        <dt>
          <code>make demo</code>
        </dt>
        <dd>starts a small shop with traffic, in a checkout of Tenure's repository</dd>
      </dl>
    </section>
  );
}

/** An exported page whose recording has no lifecycle. */
export function NothingRecorded() {
  return (
    <section class="tn-empty">
      <h2>Nothing was recorded</h2>
      <p>
        The program entered no <code>async with</code> in its own modules and used nothing that an adapter sees.{" "}
        <code>tenure doctor app.py</code> shows which managers are recorded, which are not, and why.
      </p>
    </section>
  );
}
