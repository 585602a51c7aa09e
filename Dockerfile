# The web page in a container. Build a model first (`make app`, or `python -m app.building`), and mount its folder:
#     docker build -t fraud . && docker run -p 5000:5000 -v "$PWD/app/model:/study/app/model:ro" fraud
# Behind a name of its own, add: -e FRAUD_TRUSTED_HOSTS=scores.example
FROM python:3.12-slim
WORKDIR /study
COPY pyproject.toml uv.lock README.md ./
RUN pip install --no-cache-dir uv==0.13.9 && uv sync --frozen --no-dev --no-group cpu --no-install-project
COPY utils utils
COPY app app
COPY notebooks notebooks
COPY paper paper
COPY studies/creditcard.toml studies/creditcard.toml
COPY benchmarks/plan.toml benchmarks/plan.toml
COPY data/results data/results
RUN useradd --create-home study
USER study
ENV PYTHONPATH=/study OMP_NUM_THREADS=1 FRAUD_HOST=0.0.0.0
EXPOSE 5000
CMD [".venv/bin/python", "-m", "app.app"]
