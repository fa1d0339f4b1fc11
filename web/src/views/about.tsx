import { bytes, span } from '../format';
import { useText } from '../i18n';
import { info } from '../state';
import { useStore } from '../store';

export function AboutView() {
  const { t, language } = useText();
  const settings = useStore(info);
  return (
    <div class="about">
      <h1>{t.about.title}</h1>
      <p class="lead">{t.about.lead}</p>
      <div class="points">
        {t.about.points.map(({ title, text }) => (
          <section key={title}>
            <h2>{title}</h2>
            <p>{text}</p>
          </section>
        ))}
      </div>
      <section class="card">
        <h2>{t.about.privacy}</h2>
        <p>{t.about.privacyText}</p>
        {settings !== null && <p>{settings.feedback ? t.about.feedbackOn : t.about.feedbackOff}</p>}
        <p>{t.about.keptHere}</p>
      </section>
      {settings !== null && (
        <section class="card">
          <h2>{t.about.limits}</h2>
          <p>
            {t.about.limitsText(bytes(settings.limits.body_bytes, language), span(settings.limits.seconds))}
          </p>
          <p class="faint">
            {t.about.version} <bdi>{settings.version}</bdi>
          </p>
        </section>
      )}
    </div>
  );
}
