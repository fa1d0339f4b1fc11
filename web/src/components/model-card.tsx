import { useEffect, useState } from 'preact/hooks';
import { api, asProblem } from '../api/client';
import type { Model, Problem } from '../api/types';
import { bytes, moment, number } from '../format';
import { useText } from '../i18n';
import { Emotion } from './emotion';
import { ProblemNote } from './problem';

function Row({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd dir="auto">{children}</dd>
    </div>
  );
}

/** What a model is made of, learned from, meant for and not for. */
export function ModelCard({ model }: { model: Model }) {
  const { t, language } = useText();
  const [full, setFull] = useState<Model | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let current = true;
    api.model(model.id).then(
      (answer) => current && setFull(answer),
      (reason: unknown) => current && setProblem(asProblem(reason)),
    );
    return () => {
      current = false;
    };
  }, [model.id]);

  if (problem !== null) return <ProblemNote problem={problem} />;
  if (full === null) return <p class="faint pending">{t.shell.loading}</p>;
  const card = full.card ?? {};
  const data = card.data ?? {};
  return (
    <dl class="card-facts">
      {card.intended_use && <Row name={t.models.use}>{card.intended_use}</Row>}
      {card.not_for && <Row name={t.models.notFor}>{card.not_for}</Row>}
      <Row name={t.models.emotions}>
        <span class="row">
          {full.emotions.map((label) => (
            <Emotion key={label} label={label} />
          ))}
        </span>
      </Row>
      {(data.corpus || data.recordings !== undefined) && (
        <Row name={t.models.data}>
          {data.corpus && <bdi>{data.corpus}: </bdi>}
          {data.recordings !== undefined && t.models.dataText(data.recordings, data.speakers ?? 0)}
          {data.dropped !== undefined && data.dropped > 0 && `, ${t.models.dropped(data.dropped)}`}
        </Row>
      )}
      {data.language && <Row name={t.models.language}>{data.language}</Row>}
      {data.license && <Row name={t.models.license}>{data.license}</Row>}
      {data.source && <Row name={t.models.source}>{data.source}</Row>}
      <Row name={t.models.kind}>{full.kind}</Row>
      <Row name={t.models.features}>{full.features}</Row>
      <Row name={t.models.parameters}>{number(full.parameters, language)}</Row>
      <Row name={t.models.size}>{bytes(full.bytes, language)}</Row>
      {full.created !== null && <Row name={t.models.created}>{moment(full.created, language)}</Row>}
      {card.created_from && (
        <Row name={t.models.createdFrom}>
          <pre dir="ltr">{card.created_from}</pre>
        </Row>
      )}
      {card.notes !== undefined && card.notes.length > 0 && (
        <Row name={t.models.notes}>{typeof card.notes === 'string' ? card.notes : card.notes.join(' ')}</Row>
      )}
    </dl>
  );
}
