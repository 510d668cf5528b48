"""The items of two reporting checklists, in short words, each with where its answer comes from.

TRIPOD+AI: Collins et al., BMJ 2024;385:e078378. CLAIM 2024: Tejani et al., Radiology: Artificial
Intelligence 2024;6:e240300. Numbers are theirs; the words are shortened, so read the originals.
"""

from dataclasses import dataclass

CARD = "card: "  # an answer that quotes this section of the model card


@dataclass(frozen=True)
class Item:
    """One line of a checklist.

    Attributes:
        number: as published.
        text: what is to be reported, shortened.
        source: ``card: SECTION`` quotes the model card; the name of a computed answer; "" is for
            the authors.
    """

    number: str
    text: str
    source: str = ""


def _items(lines: str) -> tuple[Item, ...]:
    """From lines of "number | text | source"."""
    rows = (line.split("|") for line in lines.strip().splitlines())
    return tuple(Item(*(cell.strip() for cell in row)) for row in rows)


TRIPOD_AI = _items("""
1 | Title: development or evaluation of a prediction model, target population, outcome |
2 | Abstract: as TRIPOD+AI for Abstracts |
3a | Healthcare context, rationale, existing models |
3b | Target population, intended purpose and users | intended use
3c | Known health inequalities between sociodemographic groups |
4 | Objectives: development, evaluation or both |
5a | Sources of data of development and evaluation, representativeness | card: Data
5b | Dates of the data |
6a | Setting, number and place of centres |
6b | Eligibility criteria |
6c | Treatments received |
7 | Data preparation and quality checking | preprocessing
8a | Outcome: definition, how and when assessed | card: Data
8b | Outcome assessors |
8c | Blinding of the outcome's assessment |
9a | Choice of initial predictors | predictors
9b | Definition of predictors, how measured | preprocessing
9c | Predictor assessors | predictors
10 | Sample size: how arrived at, and whether sufficient | sample size
11 | Missing data | missing data
12a | How the data were used and partitioned | partitions
12b | Handling of predictors | preprocessing
12c | Type of model, building, tuning, internal validation | card: Training
12d | Heterogeneity across clusters | subgroups
12e | Measures and plots of performance | measures
12f | Model updating | calibration
12g | How predictions were calculated for evaluation | predictions
13 | Class imbalance | imbalance
14 | Approaches to fairness | fairness
15 | Output of the model, thresholds and their rationale | thresholds
16 | Differences between development and evaluation data | card: How far it carries
17 | Ethical approval |
18a | Funding |
18b | Conflicts of interest |
18c | Protocol |
18d | Registration |
18e | Availability of data | card: Data
18f | Availability of code | program
19 | Patient and public involvement |
20a | Flow of participants | participants
20b | Characteristics of participants, by dataset | characteristics
20c | Comparison with the development data | labels by set
21 | Participants and outcome events in each analysis | events
22 | Full model, so that others can predict and evaluate | model
23a | Performance with intervals, and in key subgroups | performance
23b | Heterogeneity of performance across clusters | fairness
24 | Results of model updating | calibration
25 | Interpretation, fairness, other studies |
26 | Limitations | card: Limits
27a | Poor or missing input data when used | gate
27b | Interaction and expertise needed |
27c | Next steps for research |
""")

CLAIM = _items("""
1 | Title or abstract: a study of AI, category of technology |
2 | Abstract: structured summary |
3 | Background, intended use and role | intended use
4 | Aims, objectives, hypotheses |
5 | Prospective or retrospective |
6 | Goal of the study |
7 | Data sources | card: Data
8 | Inclusion and exclusion criteria |
9 | Data preprocessing | preprocessing
10 | Selection of data subsets | imbalance
11 | De-identification |
12 | Missing data | missing data
13 | Image acquisition protocol |
14 | Reference standard: how obtained | card: Data
15 | Rationale for the reference standard |
16 | Source of its annotations | card: Data
17 | Annotation of the test set |
18 | Inter- and intrarater variability |
19 | How data were assigned to partitions | partitions
20 | Level at which partitions are disjoint | disjoint
21 | Intended sample size | sample size
22 | Description of the model | model
23 | Software and packages | software
24 | Initialization of parameters | card: Where the weights come from
25 | Details of training | card: Training
26 | How the final model was selected | card: Training
27 | Ensembling | card: Training
28 | Metrics of performance | measures
29 | Measures of significance and uncertainty | uncertainty
30 | Robustness or sensitivity analysis | subgroups
31 | Explainability or interpretability | maps
32 | Evaluation on internal data | performance
33 | Testing on external data | card: How far it carries
34 | Trial registration |
35 | Numbers included and excluded | participants
36 | Characteristics of the cases in each partition | labels by set
37 | Performance with uncertainty | performance
38 | Diagnostic performance and its precision | performance at cut-offs
39 | Failure analysis | failures
40 | Limitations | card: Limits
41 | Implications for practice |
42 | Full protocol or technical details |
43 | Availability of software, model and data | program
44 | Funding, role of funders |
""")
