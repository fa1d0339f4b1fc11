/** Decibels between silence (-60) and full scale as a share of a meter. */
export function meterShare(decibels: number): number {
  return Math.max(0, Math.min(1, (decibels + 60) / 60));
}

/** A loudness meter. Its value changes too often to be read out. */
export function Meter({ decibels, label }: { decibels: number; label: string }) {
  return (
    <div class="meter-row" aria-hidden="true">
      <span class="faint">{label}</span>
      <span class="meter">
        <span style={{ transform: `scaleX(${meterShare(decibels)})` }} />
      </span>
    </div>
  );
}
