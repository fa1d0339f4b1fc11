import { useText } from '../i18n';
import { modelById, models, pickedModel } from '../state';
import { useStore } from '../store';

/** Chooses who answers. */
export function ModelPicker() {
  const { t } = useText();
  const list = useStore(models);
  const picked = useStore(pickedModel);
  if (list === null) return null;
  return (
    <label class="field picker">
      <span>{t.models.pick}</span>
      <select value={picked ?? ''} onChange={(event) => pickedModel.set(event.currentTarget.value || null)}>
        <option value="">{t.models.pickActive(modelById(list, list.active)?.name ?? list.active)}</option>
        {list.models
          .filter((model) => model.id !== list.active)
          .map((model) => (
            <option key={model.id} value={model.id}>
              {model.name}
            </option>
          ))}
      </select>
    </label>
  );
}
