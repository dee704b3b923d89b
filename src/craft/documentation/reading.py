"""The plain reading of an archived run: its findings in words, whichever way they turn out."""

from collections.abc import Callable, Iterator

from craft.core.settings import REAL
from craft.documentation.archive import Archive
from craft.documentation.headline import judged, our_name
from craft.documentation.markdown import NOTHING, code, interval, listed, number, percent, span
from craft.evaluation.reporting.findings.base import our_method, value_of
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER
from craft.evaluation.tables import ALL

FAMILY = {"reward": "in family", "held_out": "out of family"}
SWAPPED = {"own_labels": "their own labels", "half_swapped": "half of them exchanged", "all_swapped": "all exchanged"}
JUDGE = {PHANTOM_CLASSIFIER: "the classifier of phantoms", "held_out": "the held-out evaluator"}


def write_reading(archive: Archive) -> str:
    """One bullet for every question."""
    said = [(title, list(say(archive))) for title, say in SENTENCES.items()]
    return "\n".join(f"- *{title}.* {' '.join(sentences)}" for title, sentences in said if sentences)


def say_cas(archive: Archive) -> Iterator[str]:
    """Whether CAS is higher than the strongest baseline's."""
    for role, found in archive.findings["alignment"].items():
        for each in found if our_method(archive.run) else []:
            yield (
                f"Under {code(each['evaluator'])} ({FAMILY[role]}) {our_name(archive)} has a higher mean CAS than the"
                f" strongest baseline in {each['better']} of {each['datasets']} datasets (paired difference"
                f" {span(each['difference'])}); in {each['clear']} of them the difference is significant after Holm's"
                " correction."
            )


def say_tail(archive: Archive) -> Iterator[str]:
    """Whether the tail is smaller than the strongest baseline's."""
    for role, found in archive.findings["tail"].items():
        for each in found if our_method(archive.run) else []:
            relative = f"; {interval(each['relative'], percent)} % relative on average" if each["relative"] else ""
            yield (
                f"Under {code(each['evaluator'])} ({FAMILY[role]}) the tail is smaller in {each['smaller']} of"
                f" {each['datasets']} datasets (by {span(each['points'], percent)} percentage points{relative})."
            )


def say_classifier(archive: Archive) -> Iterator[str]:
    """What the classifier of phantoms recognises."""
    found, real = archive.findings["label_agreement"], REAL
    if not found or not our_method(archive.run):
        return
    yield (
        f"The classifier of phantoms recognises the intended label of more images of {our_name(archive)} than of the"
        f" strongest baseline in {found['better']} of {found['datasets']} datasets."
    )
    shares = [
        value_of(archive.tables["cas"], **place, label=ALL, method=real, metric="label_agreement")
        for place in judged(archive, PHANTOM_CLASSIFIER)
    ]
    least, most = min(shares), max(shares)
    yield f"It recognises {span({'low': least, 'high': most}, percent)} % of the test phantoms themselves."
    if above := found["exaggerated"]:
        places = [f"{each['dataset']} ({percent(each['own'])} % against {percent(each['real'])} %)" for each in above]
        yield (
            f"In {listed(places)} the interval of {our_name(archive)} lies above that of the test phantoms: its images"
            " exaggerate their labels, which is no gain."
        )


def say_exaggeration(archive: Archive) -> Iterator[str]:
    """Whether CAS says more than an auditor that is no embedding."""
    places = list(judged(archive))
    above = sum(exceeds_real(archive, "cas", place, "cas") is True for place in places)
    for each in archive.findings["audit"]:
        audited = [{"dataset": dataset, "evaluator": each["auditor"]} for dataset in archive.run.datasets]
        below = sum(exceeds_real(archive, "audit", place, "satisfied") is False for place in audited)
        yield (
            f"Out of family, the mean CAS of {our_name(archive)} lies above that of the test images in {above} of"
            f" {len(places)} cases (dataset by evaluator). By the auditor {code(each['auditor'])} its images satisfy"
            f" more checklist items than the strongest baseline's in {each['better']} of {each['datasets']} datasets,"
            f" and no more than the test images in {below} of {len(audited)}. Where CAS lies above real images and the"
            " audit below them, CAS may reward clearer images beyond the point where they are like real ones."
        )


def exceeds_real(archive: Archive, table: str, place: dict[str, str], metric: str) -> bool | None:
    """Whether the reward method's value is greater than that of the real test images; None without either."""
    own, real = (
        value_of(archive.tables[table], **place, label=ALL, method=method, metric=metric)
        for method in (str(our_method(archive.run)), REAL)
    )
    return None if own is None or real is None else own > real


def say_diversity(archive: Archive) -> Iterator[str]:
    """Fidelity, and what the guard kept."""
    for each in archive.findings["fidelity"]:
        yield (
            f"On the features of {code(each['evaluator'])}, {our_name(archive)} has a lower FID than every baseline in"
            f" {each['lower_fid']} of {each['datasets']} datasets, and no higher recall than the baseline of the"
            f" highest recall in {each['recall_not_higher']}."
        )
    if kept := archive.findings["diversity"]:
        vision, embeddings = (span(kept[name], percent, digits=0) for name in ("vision", "embeddings"))
        yield (
            f"The guard kept the state after {span(kept['steps'], digits=0)} steps, with {vision} % of the start's"
            f" diversity within labels under the monitor's encoder and {embeddings} % under its evaluator; it ended"
            f" {kept['stopped']} of {kept['runs']} runs early."
        )


def say_copies(archive: Archive) -> Iterator[str]:
    """Whether images are copies of real images that the run saw."""
    if found := archive.findings["memorization"]:
        above, drawn = (
            [f"{each['dataset']} ({code(each['measure'])}, {percent(each['value'])} %)" for each in found[name]]
            for name in ("above", "drawn")
        )
        few = found["rests_on"]
        rests = f", a threshold that rests on {span(few, digits=0)} test images only" if few else ""
        yield (
            f"{span(found['rates'], percent)} % of the images of {our_name(archive)} are flagged as copies of real"
            f" images that the run saw (upper ends of the intervals: {span(found['upper'], percent)} %), where"
            f" {percent(found['flagged'])} % of test images are{rests}; the rate's interval lies above that share in"
            f" {len(above)} of {found['comparisons']} comparisons{f': {listed(above)}' if above else ''}. Images lie"
            " nearest to reference images oftener than test images do in"
            f" {len(drawn)}{f': {listed(drawn)}' if drawn else ''}. Membership can be inferred in"
            f" {found['inferred']} of {found['memberships']} comparisons."
        )


def say_use(archive: Archive) -> Iterator[str]:
    """What the images add to real ones, and the reward to the images."""
    for each in archive.findings["downstream"]:
        better, worse = (
            f"{len(each[name])}{f' ({listed(each[name])})' if each[name] else ''}" for name in ("better", "worse")
        )
        yield (
            f"Trained on {code(each['arm'])} instead of {code(each['against'])}, {code(each['backbone'])} has a better"
            f" macro-AUROC in {better} of {each['datasets']} datasets and a worse one in {worse}; in {each['untold']}"
            f" no difference can be told (paired differences {span(each['difference'])}, Holm's correction)."
        )


def say_proxy(archive: Archive) -> Iterator[str]:
    """Whether CAS is a faithful proxy on real test images."""
    swap = archive.findings["label_swap"]
    cas = [f"{span(swap['cas'][role], digits=2)} {FAMILY[role]}" for role in swap["cas"]]
    weak, labels = swap["weakest"], swap["labels"]
    blind = [f"{each['dimension']} in {each['dataset']} under {code(each['evaluator'])}" for each in swap["blind"]]
    single = [f"{each['dimension']} of {each['label']} in {each['dataset']}" for each in labels["blind"]]
    yield (
        f"CAS tells an image's own label from others with an AUROC of {listed(cas)}. The weakest single dimension is"
        f" {weak['dimension']} in {weak['dataset']} under {code(weak['evaluator'])}, at {interval(weak, digits=2)};"
        f" {f'not above chance: {listed(blind)}' if blind else 'the interval of each score lies above one half'}."
    )
    if labels["cases"]:
        names = f" ({listed(list(dict.fromkeys(single)))})" if single else ""
        yield (
            f"Label by label, the interval reaches down to one half in {len(single)} of {labels['cases']} cases"
            f" (dataset, evaluator, score and claimed label){names}."
        )
    for role, found in archive.findings["damage"].items():
        missed = [f"{each['damage'].replace('_', ' ')} in {each['dataset']}" for each in found["not_falling"]]
        yield (
            f"It falls with the grade of damage in {found['falling']} of {found['cases']} cases {FAMILY[role]}"
            f"{f', not with {listed(missed)}' if missed else ''}."
        )


def say_parts(archive: Archive) -> Iterator[str]:
    """What each dimension adds, and what distances between sets of images do not see."""
    found = [f"{each['dimension']} {each['lower']} of {each['cases']}" for each in archive.findings["drop_one"]]
    yield (
        "Leaving a dimension out lowers the AUROC of the rest (dataset by evaluator, interval above zero):"
        f" {listed(found)}."
    )
    found = archive.findings["same_images"]
    means = [f"{span(found['cas'][name], digits=2)} with {words}" for name, words in SWAPPED.items()]
    yield (
        f"The same test images have a mean out-of-family CAS of {listed(means)}; their FID to the train images is"
        f" {span(found['fid'], digits=2)} each time, since no distance between sets of images sees labels."
    )


def say_gap(archive: Archive) -> Iterator[str]:
    """Whether CAS follows other judges over images and along the finetuning."""
    if found := archive.findings["classifier"]:
        ranks = [f"{span(found['spearman'][role], digits=2)} {FAMILY[role]}" for role in found["spearman"]]
        order = (
            f"; the methods' order by Kendall's tau of {span(found['kendall'], digits=2)}" if found["kendall"] else ""
        )
        yield f"CAS follows the classifier of phantoms with a Spearman's correlation of {listed(ranks)}{order}."
    for found in archive.findings["gap"]:
        places = [f"{each['dataset']} at step {each['step']}, since step {each['since']}" for each in found["opened"]]
        yield (
            f"Along the finetuning the gap to {JUDGE[found['judge']]} opened in {len(places)} of {found['runs']}"
            f" runs{f' ({listed(places)})' if places else ''}."
        )


def say_agreement(archive: Archive) -> Iterator[str]:
    """How alike evaluators rank."""
    found = archive.findings["agreement"]
    for each in found["others"]:
        methods, images = (span(each[name], digits=2) for name in ("kendall", "spearman"))
        ranks = "" if methods == NOTHING else f"Kendall's tau of {methods} over methods and "
        yield (
            f"{code(found['evaluator'])}, which gave the reward, agrees with {code(each['evaluator'])} by {ranks}"
            f"Spearman's correlation of {images} over the images of one method."
        )


def say_cost(archive: Archive) -> Iterator[str]:
    """What the run took."""
    total, largest = archive.jobs[["jobs", "minutes", "cpu_minutes"]].sum(), archive.jobs["peak_mb"].max()
    yield (
        f"The run's {number(total['jobs'], 0)} measured jobs took {number(total['cpu_minutes'], 0)} minutes of"
        f" processor time, {number(total['minutes'], 0)} minutes one after another; the largest held"
        f" {number(largest, 0)} MB."
    )


SENTENCES: dict[str, Callable[[Archive], Iterator[str]]] = {
    "The clinical score": say_cas,
    "The tail": say_tail,
    "Another judge": say_classifier,
    "Exaggeration": say_exaggeration,
    "Diversity": say_diversity,
    "Copies": say_copies,
    "Use": say_use,
    "Is CAS a faithful proxy": say_proxy,
    "Its parts": say_parts,
    "Other judges along the way": say_gap,
    "Agreement of evaluators": say_agreement,
    "Cost": say_cost,
}
