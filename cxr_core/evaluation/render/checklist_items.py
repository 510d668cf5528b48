"""The items of reporting checklists, in short words, each with where its answer comes from.

TRIPOD+AI: Collins et al., BMJ 2024;385:e078378. CLAIM 2024: Tejani et al., Radiology: Artificial
Intelligence 2024;6:e240300. Model Facts: Sendak et al., npj Digital Medicine 2020;3:41. Datasheets
for Datasets: Gebru et al., Communications of the ACM 2021;64(12), without its seven questions for
other comments. Numbers are theirs; the words are shortened, so read the originals.
"""

from dataclasses import dataclass

# An answer that quotes a section of the model card: all of it, its text, or its list.
QUOTES = {"card: ": "all", "card text: ": "text", "card list: ": "list"}


@dataclass(frozen=True)
class Item:
    """One line of a checklist.

    Attributes:
        number: as published.
        text: what is to be reported, shortened.
        source: ``card: SECTION`` quotes the model card (``QUOTES``); the name of a computed answer;
            "" is for the authors.
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
5a | Sources of data of development and evaluation, representativeness | card text: Data
5b | Dates of the data |
6a | Setting, number and place of centres |
6b | Eligibility criteria |
6c | Treatments received |
7 | Data preparation and quality checking | preprocessing
8a | Outcome: definition, how and when assessed | card text: Data
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
16 | Differences between development and evaluation data | other films
17 | Ethical approval |
18a | Funding |
18b | Conflicts of interest |
18c | Protocol |
18d | Registration |
18e | Availability of data | card text: Data
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
7 | Data sources | card text: Data
8 | Inclusion and exclusion criteria |
9 | Data preprocessing | preprocessing
10 | Selection of data subsets | imbalance
11 | De-identification |
12 | Missing data | missing data
13 | Image acquisition protocol |
14 | Reference standard: how obtained | card text: Data
15 | Rationale for the reference standard |
16 | Source of its annotations | card text: Data
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
27 | Ensembling | ensemble
28 | Metrics of performance | measures
29 | Measures of significance and uncertainty | uncertainty
30 | Robustness or sensitivity analysis | subgroups
31 | Explainability or interpretability | maps
32 | Evaluation on internal data | performance
33 | Testing on external data | other films
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

MODEL_FACTS = _items("""
Model | Name, version | model
Model | Locale |
Summary | What it does | summary
Mechanism | Outcome | outcome
Mechanism | Output | thresholds
Mechanism | Target population |
Mechanism | Time of prediction | time of prediction
Mechanism | Input: source and type | predictors
Mechanism | Preprocessing of the input | preprocessing
Mechanism | Training data: location, period | card text: Data
Mechanism | Type of model | card: Training
Validation | Discrimination | performance
Validation | At the cut-offs | performance at cut-offs
Validation | Differences between groups | fairness
Validation | Other populations | other films
Uses | Intended use | intended use
Uses | Benefits |
Uses | Appropriate decision support |
Uses | Before using this model; safety and efficacy evaluation |
Warnings | Maturity of the model | demonstration
Warnings | Risks, inappropriate settings, generalizability | card: Limits
Warnings | Clinical rationale, inappropriate decision support |
Warnings | When to stop using it |
Other | Where the weights come from | card: Where the weights come from
Other | Approval, licence |
Other | Clinical trial, impact evaluation |
Other | Inquiries |
""")

DATASHEET = _items("""
Motivation 1 | Purpose for which the data were made |
Motivation 2 | Who made them, on whose behalf | card text: Data
Motivation 3 | Who funded it |
Composition 1 | What the instances represent | instances
Composition 2 | How many there are, of each type | labels by set
Composition 3 | All instances, or a sample of a larger set | card list: Data
Composition 4 | What data each instance consists of | instance data
Composition 5 | Label or target of each instance | outcome
Composition 6 | Information missing from instances | missing data
Composition 7 | Relationships between instances | relationships
Composition 8 | Recommended splits | partitions
Composition 9 | Errors, noise, redundancies | card: Biases to keep in mind
Composition 10 | Self-contained, or resting on external resources |
Composition 11 | Confidential data |
Composition 12 | Offensive or distressing content |
Composition 13 | Subpopulations and their distributions | characteristics
Composition 14 | Whether individuals can be identified |
Composition 15 | Sensitive data |
Collection 1 | How the data of each instance were acquired |
Collection 2 | Mechanisms of collection, and their validation |
Collection 3 | Sampling strategy | card: Biases to keep in mind
Collection 4 | Who collected them, how compensated |
Collection 5 | Time frame |
Collection 6 | Ethical review |
Collection 7 | From individuals directly, or from third parties |
Collection 8 | Notification of the individuals |
Collection 9 | Consent |
Collection 10 | Revocation of consent |
Collection 11 | Analysis of the impact on the individuals |
Preprocessing 1 | Preprocessing, cleaning, labelling | preprocessing
Preprocessing 2 | Whether the raw data were kept |
Preprocessing 3 | Software used, whether available | program
Uses 1 | Tasks for which the data were used already | uses
Uses 2 | Repository of papers or systems that use them |
Uses 3 | Other tasks they could be used for |
Uses 4 | What in composition or collection may affect uses | card: Biases to keep in mind
Uses 5 | Tasks for which they should not be used |
Distribution 1 | Distribution to third parties |
Distribution 2 | How they are distributed |
Distribution 3 | When |
Distribution 4 | Licence or terms of use |
Distribution 5 | Restrictions by third parties |
Distribution 6 | Export controls, regulation |
Maintenance 1 | Who maintains them |
Maintenance 2 | Contact |
Maintenance 3 | Erratum |
Maintenance 4 | Updates |
Maintenance 5 | Limits on retention |
Maintenance 6 | Older versions |
Maintenance 7 | How others can extend them |
""")
