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
