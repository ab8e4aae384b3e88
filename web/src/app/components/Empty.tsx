/** No process has ever shipped anything: how to start one. */
export function NoProcess() {
  return (
    <section class="empty">
      <h2>No process yet</h2>
      <p>This page fills by itself as soon as a program ships its first lifecycle. To start one:</p>
      <dl>
        <dt>
          <code>tenure run app.py</code>
        </dt>
        <dd>
          runs a program of yours, unchanged, and records every <code>async with</code> in it
        </dd>
        <dt>
          <code>make demo</code>
        </dt>
        <dd>in Tenure's own repository starts a small shop with traffic of its own</dd>
      </dl>
    </section>
  );
}

/** A page exported from a recording in which nothing happened. */
export function NothingRecorded() {
  return (
    <section class="empty">
      <h2>Nothing was recorded</h2>
      <p>
        The program entered no <code>async with</code> of its own modules, and nothing that an adapter knows.{" "}
        <code>tenure doctor app.py</code> says of every manager whether it is recorded, and why not.
      </p>
    </section>
  );
}
